import { describe, expect, test } from '@jest/globals';
import type { EventEnvelope } from '@corral/contracts';
import { envelopeOf } from '@corral/event-bus';
import type { PublishOutcome } from '@corral/event-bus';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { settled } from '../../test/settled.js';
import { EventOutbox } from './event-outbox.js';

const clock = new FakeClock();
const event = (name: string): EventEnvelope =>
  envelopeOf('catalog.model_registered', { node_id: 'n1', model: { model_id: name, digest: `sha256:${'0'.repeat(64)}`, size_bytes: 1, lifecycle: 'Active', pinned: false, verification: { result: 'pass', reason: '' }, last_verified_ms: 1, created_ms: 1, last_used_ms: null, retired_at_ms: null, external: false, facts: null } }, { source: 'pool-managerd/n1', clock }) as EventEnvelope;
const nameOf = (envelope: EventEnvelope) => (envelope.data as { model: { model_id: string } }).model.model_id;

function setUp(answer: (name: string, tries: number) => PublishOutcome['kind'], capacity = 10) {
  const ticking = new FakeClock();
  const sent: string[] = [];
  const told: string[] = [];
  const outbox = new EventOutbox({
    bus: {
      publish: (envelope) => {
        sent.push(nameOf(envelope));
        const kind = answer(nameOf(envelope), sent.filter((name) => name === nameOf(envelope)).length);
        return Promise.resolve(kind === 'confirmed' ? { kind } : { kind, reason: 'no' });
      },
    },
    clock: ticking,
    log: silentLog,
    random: () => 1,
    retry: { initialMs: 100, maxMs: 400 },
    capacity,
    onSent: (_, outcome) => told.push(outcome),
  });
  const stop = new AbortController();
  const running = outbox.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { outbox, sent, told, clock: ticking, end };
}

describe('EventOutbox', () => {
  test('C-84 events go out in order, and one that cannot be delivered holds the others back until it is', async () => {
    const { outbox, sent, told, clock: time, end } = setUp((name, tries) => (name === 'a' && tries < 3 ? 'unavailable' : 'confirmed'));
    outbox.put(event('a'));
    outbox.put(event('b'));
    await time.advance(0);
    expect(sent).toEqual(['a']);
    await time.advance(100);
    expect(sent).toEqual(['a', 'a']);
    await time.advance(199);
    expect(sent).toEqual(['a', 'a']);
    await time.advance(1);
    expect([sent, told, outbox.waiting]).toEqual([['a', 'a', 'a', 'b'], ['confirmed', 'confirmed'], 0]);
    await end();
  });

  test('C-84 an event that is refused for good is given up', async () => {
    const { outbox, sent, told, end } = setUp((name) => (name === 'a' ? 'refused' : 'confirmed'));
    outbox.put(event('a'));
    outbox.put(event('b'));
    await settled();
    expect([sent, told]).toEqual([['a', 'b'], ['refused', 'confirmed']]);
    await end();
  });

  test('C-84 beyond its capacity the oldest make room, and are counted', async () => {
    const { outbox, told, end } = setUp(() => 'unavailable', 2);
    for (const name of ['a', 'b', 'c']) outbox.put(event(name));
    expect([outbox.waiting, told]).toEqual([2, ['dropped']]);
    await end();
  });

  test('C-84 once the control plane is heard, nothing waits any longer', async () => {
    let isUp = false;
    const { outbox, told, clock: time, end } = setUp(() => (isUp ? 'confirmed' : 'unavailable'));
    outbox.put(event('a'));
    await time.advance(1_000);
    isUp = true;
    outbox.hasten();
    await settled();
    expect(told).toEqual(['confirmed']);
    await end();
  });
});
