import { expect, test } from '@jest/globals';
import type { EventEnvelope } from '@corral/contracts';
import type { PublishOutcome } from '@corral/event-bus';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aReloadDone, aReloadFailed } from '../../test/reload-fixtures.js';
import { EventFeed } from '../events/event-feed.js';
import { ReloadNews } from './reload-news.js';

function rig(mode: 'http' | 'rabbitmq', ...outcomes: readonly PublishOutcome['kind'][]) {
  const published: string[] = [];
  const answers = [...outcomes];
  const feed = new EventFeed(0);
  const clock = new FakeClock(0);
  const bus = {
    state: () => ({ mode, connected: true, consuming: true, lastPublishMs: null, lastEventMs: null, lastError: null }),
    publish: (event: EventEnvelope, target: object): Promise<PublishOutcome> => {
      const kind = answers.shift() ?? 'confirmed';
      published.push(`${event.type} ${JSON.stringify(target)} ${kind}`);
      return Promise.resolve(kind === 'confirmed' ? { kind } : { kind, reason: 'down' });
    },
  };
  return { news: new ReloadNews({ bus, feed, clock, log: silentLog }), feed, clock, published };
}

const TARGET = '{"kind":"control_plane"}';

test('E-13 F-45 with a broker every end goes there, in order, and again until the broker has it', async () => {
  const { news, feed, clock, published } = rig('rabbitmq', 'unavailable', 'unavailable');
  news.tell(aReloadDone());
  news.tell(aReloadFailed());
  expect(feed.after(0).map(({ event }) => event.type)).toEqual(['orchestrator.reload_succeeded', 'orchestrator.reload_failed']);
  await clock.advance(60_000);
  await news.close();
  expect(published).toEqual([
    `orchestrator.reload_succeeded ${TARGET} unavailable`,
    `orchestrator.reload_succeeded ${TARGET} unavailable`,
    `orchestrator.reload_succeeded ${TARGET} confirmed`,
    `orchestrator.reload_failed ${TARGET} confirmed`,
  ]);
});

test('E-13 F-45 what the broker will never take does not hold up the rest, and the end does not wait for a broker that is away', async () => {
  const { news, clock, published } = rig('rabbitmq', 'refused', 'confirmed', 'unavailable', 'unavailable', 'unavailable');
  news.tell(aReloadDone());
  news.tell(aReloadDone());
  await clock.advance(10);
  news.tell(aReloadFailed());
  await clock.advance(10);
  await news.close();
  expect(published.slice(0, 2).map((line) => line.split(' ').at(-1))).toEqual(['refused', 'confirmed']);
});

test('E-13 without a broker it is told to those who follow here', async () => {
  const { news, feed, published } = rig('http');
  news.tell(aReloadDone({ correlationId: 'c9' }));
  await news.close();
  expect([feed.after(0).map(({ event }) => event.correlationid), published]).toEqual([['c9'], []]);
});
