import { afterEach, expect, test } from '@jest/globals';
import type { EventEnvelope } from '@corral/contracts';
import type { PublishOutcome } from '@corral/event-bus';
import { recordingLog, silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { aReloadDone, aReloadFailed } from '../../test/reload-fixtures.js';
import { reloadEvent } from '../reloads/reload-event.js';
import { openStore } from '../store/open-store.js';
import { waitingOwnEvents } from '../store/own-event-rows.js';
import { EventFeed } from './event-feed.js';
import { OwnEvents } from './own-events.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await removeFolders();
});

/** A broker that takes what it is told to. */
class FakeBroker {
  readonly inFlightMax = 2;
  readonly published: string[] = [];
  #connected: () => void = () => {};

  constructor(public answer: (event: EventEnvelope) => PublishOutcome = () => ({ kind: 'confirmed' })) {}

  publish(event: EventEnvelope, target: object): Promise<PublishOutcome> {
    const outcome = this.answer(event);
    this.published.push(`${event.correlationid} ${JSON.stringify(target)} ${outcome.kind}`);
    return Promise.resolve(outcome);
  }

  onConnected(listener: () => void): () => void {
    this.#connected = listener;
    return () => (this.#connected = () => {});
  }

  back(): void {
    this.answer = () => ({ kind: 'confirmed' });
    this.#connected();
  }
}

const DOWN: PublishOutcome = { kind: 'unavailable', reason: 'connection refused' };
const TARGET = '{"kind":"control_plane"}';

async function daemon({ stateDir, isBrokered = true, keptMax }: { readonly stateDir: string; readonly isBrokered?: boolean; readonly keptMax?: number }) {
  const clock = new FakeClock(1_000);
  const store = await openStore({ stateDir, clock, log: silentLog });
  const feed = new EventFeed(0);
  const { log, lines } = recordingLog();
  const events = new OwnEvents({ store, feed, clock, log, isBrokered, ...(keptMax === undefined ? {} : { keptMax }) });
  const stop = async () => {
    await events.close();
    await store.close();
  };
  closing.push(stop);
  const waiting = async () => (await waitingOwnEvents(store.db, 1_000)).map(({ event }) => event.correlationid);
  return { events, feed, clock, waiting, lines, stop: () => (closing.splice(closing.indexOf(stop), 1), stop()) };
}

const done = (correlationId: string) => reloadEvent(aReloadDone({ correlationId }), new FakeClock(0));
const failed = (correlationId: string) => reloadEvent(aReloadFailed({ correlationId }), new FakeClock(0));

test('E-42 E-13 F-45 what waits for a broker outlives its process: it is there once, in order, when the broker is', async () => {
  const stateDir = await aFolder();
  const broker = new FakeBroker(() => DOWN);
  const before = await daemon({ stateDir });
  before.events.start(broker);
  for (const event of [done('c1'), failed('c2'), done('c3')]) await before.events.tell(event);
  await before.clock.advance(60_000);
  expect([before.feed.after(0).map(({ event }) => event.correlationid), await before.waiting()]).toEqual([['c1', 'c2', 'c3'], ['c1', 'c2', 'c3']]);
  await before.stop();
  broker.published.length = 0;
  const after = await daemon({ stateDir });
  after.events.start(broker);
  await after.clock.advance(10);
  broker.published.length = 0;
  broker.back();
  await after.clock.advance(10);
  await after.events.tell(done('c4'));
  await after.clock.advance(10);
  expect([broker.published, await after.waiting()]).toEqual([['c1', 'c2', 'c3', 'c4'].map((id) => `${id} ${TARGET} confirmed`), []]);
  await after.clock.advance(600_000);
  expect(broker.published.length).toBe(4);
});

test('E-42 what the broker will never take does not hold up the rest, and is named', async () => {
  const broker = new FakeBroker((event) => (event.correlationid === 'c1' ? { kind: 'refused', reason: 'too large' } : { kind: 'confirmed' }));
  const { events, clock, waiting, lines } = await daemon({ stateDir: await aFolder() });
  for (const id of ['c1', 'c2']) await events.tell(done(id));
  events.start(broker);
  await clock.advance(10);
  expect([await waiting(), lines.filter(({ level }) => level === 'warn').map(({ message }) => message)]).toEqual([[], ['event not taken by the bus']]);
});

test('E-42 of what waits the oldest make room, with a line in the log', async () => {
  const { events, waiting, lines } = await daemon({ stateDir: await aFolder(), keptMax: 2 });
  for (const id of ['c1', 'c2', 'c3']) await events.tell(done(id));
  expect([await waiting(), lines.map(({ message }) => message)]).toEqual([['c2', 'c3'], ['events dropped that waited for the broker; see that it runs']]);
});

test('E-42 E-13 without a broker it is told to those who follow here, and kept for nobody', async () => {
  const { events, feed, waiting } = await daemon({ stateDir: await aFolder(), isBrokered: false });
  events.start(new FakeBroker());
  await events.tell(done('c9'));
  expect([feed.after(0).map(({ event }) => event.correlationid), await waiting()]).toEqual([['c9'], []]);
});
