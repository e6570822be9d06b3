import { afterEach, describe, expect, test } from '@jest/globals';
import type { EventEnvelope } from '@corral/contracts';
import type { BusState, EventTarget, PublishOutcome } from '@corral/event-bus';
import { recordingLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aCommand, aFolder, removeFolders } from '../../test/fixtures.js';
import { openStore, type Store } from '../store/open-store.js';
import { addCommand, unsentCommands } from '../store/outbox-rows.js';
import { OutboxRelay } from './outbox-relay.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await removeFolders();
});

interface Setup {
  answer?(event: EventEnvelope, target: EventTarget): PublishOutcome;
  online?: Set<string>;
  /** What the bus says of itself; may change meanwhile. */
  state?: { mode: BusState['mode']; connected: boolean };
  inFlightMax?: number;
}

async function aRelay({ answer = () => ({ kind: 'confirmed' }), online = new Set(['n1', 'n2']), state = { mode: 'http', connected: true }, inFlightMax = 1 }: Setup = {}) {
  const clock = new FakeClock(1_000_000);
  const { log, lines } = recordingLog();
  const store: Store = await openStore({ stateDir: await aFolder(), clock, log });
  const sent: string[] = [];
  const relay = new OutboxRelay({
    store, clock, log,
    isOnline: (nodeId) => online.has(nodeId),
    bus: {
      inFlightMax,
      state: () => ({ ...state, consuming: state.connected, lastPublishMs: null, lastEventMs: null, lastError: state.connected ? null : 'connection refused' }),
      publish: (event, target) => {
        const outcome = answer(event, target);
        sent.push(`${'target' in event.data ? event.data.target.node_id : ''} ${'generation' in event.data ? event.data.generation : ''} ${outcome.kind}`);
        return Promise.resolve(outcome);
      },
    },
  });
  closing.push(() => store.close(), () => relay.close());
  const put = async (...commands: ReturnType<typeof aCommand>[]) => {
    const ids: number[] = [];
    for (const command of commands) ids.push(await addCommand(store.db, command, 0));
    return ids;
  };
  const waiting = async (nodeId = 'n1') => (await unsentCommands(store.db, nodeId, 100)).map(({ command, attempts }) => [command.data.generation, attempts]);
  return { clock, relay, sent, put, waiting, lines, online };
}

const load = (generation: number, instance = 'a', node = 'n1') => aCommand({ generation, instance_id: `model.${instance}`, target: { node_id: node, pool_id: 'p' } });
const AWAY: PublishOutcome = { kind: 'unavailable', reason: 'connection refused' };

describe('OutboxRelay', () => {
  test('E-08 E-10 what was committed before the start is published in order and counts as sent once confirmed', async () => {
    const { clock, relay, sent, put, waiting } = await aRelay();
    await put(load(1), load(1, 'b'), load(1, 'c', 'n2'));
    relay.start();
    await clock.advance(0);
    expect(sent.toSorted()).toEqual(['n1 1 confirmed', 'n1 1 confirmed', 'n2 1 confirmed']);
    expect([await waiting(), await waiting('n2')]).toEqual([[], []]);
    await clock.advance(5_000);
    expect(sent.length).toBe(3);
  });

  test('E-08 a wake makes it look at once', async () => {
    const { clock, relay, sent, put } = await aRelay();
    relay.start();
    await clock.advance(10);
    await put(load(1));
    relay.wake(['n1']);
    await clock.advance(1);
    expect(sent).toEqual(['n1 1 confirmed']);
  });

  test('E-10 what a node cannot take yet holds up what follows for it, not other nodes, and is tried with growing waits', async () => {
    let isAway = true;
    const { clock, relay, sent, put, waiting, lines } = await aRelay({ answer: (_event, target) => (isAway && target.kind === 'node' && target.nodeId === 'n1' ? AWAY : { kind: 'confirmed' }) });
    await put(load(1), load(1, 'b'), load(1, 'c', 'n2'));
    relay.start();
    await clock.advance(10_000);
    const tries = sent.filter((line) => line === 'n1 1 unavailable').length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(9);
    expect(sent.filter((line) => line.startsWith('n2'))).toEqual(['n2 1 confirmed']);
    expect(await waiting()).toEqual([[1, tries], [1, 0]]);
    expect(lines.filter(({ message }) => message === 'command not published yet').length).toBe(1);
    isAway = false;
    relay.wake(['n1']);
    await clock.advance(1);
    expect(sent.slice(-2)).toEqual(['n1 1 confirmed', 'n1 1 confirmed']);
  });

  test('E-10 of several generations of one instance only the last is published', async () => {
    const { clock, relay, sent, put, online } = await aRelay({ online: new Set() });
    await put(load(1), load(2), load(1, 'b'), load(3));
    relay.start();
    await clock.advance(3_000);
    expect(sent).toEqual([]);
    online.add('n1');
    relay.wake(['n1']);
    await clock.advance(1);
    expect(sent).toEqual(['n1 1 confirmed', 'n1 3 confirmed']);
  });

  test('E-08 what a node will never take is dropped with an error in the log, and the rest goes on', async () => {
    const { clock, relay, sent, put, waiting, lines } = await aRelay({ answer: ({ data }) => ('generation' in data && data.generation === 7 ? { kind: 'refused', reason: 'INVALID_PARAMS: no' } : { kind: 'confirmed' }) });
    await put(load(7), load(1, 'b'));
    relay.start();
    await clock.advance(0);
    expect([sent, await waiting()]).toEqual([['n1 7 refused', 'n1 1 confirmed'], []]);
    expect(lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual(['command refused by its node']);
  });

  test('E-10 a full set replaces what waited until then, not what comes after', async () => {
    const { clock, relay, sent, put, waiting, online } = await aRelay({ online: new Set() });
    const [, upToId = 0] = await put(load(1), load(1, 'b'));
    await put(load(2));
    relay.start();
    relay.toldAll('n1', upToId);
    await clock.advance(1);
    expect(await waiting()).toEqual([[2, 0]]);
    online.add('n1');
    relay.wake();
    await clock.advance(1);
    expect(sent).toEqual(['n1 2 confirmed']);
  });

  test('E-30 a call learns that its command was published, and that a node without a broker is away', async () => {
    const { clock, relay, put, online } = await aRelay();
    relay.start();
    const [first = 0] = await put(load(1));
    const told = relay.published(first);
    await clock.advance(1);
    online.delete('n2');
    const [away = 0] = await put(load(1, 'c', 'n2'));
    expect([await told, await relay.published(away), await relay.published(first)]).toEqual(['confirmed', 'pending', 'confirmed']);
  });

  test('E-30 with a broker that is down a call is refused before and after the commit, and the rows go out once it is back', async () => {
    const state = { mode: 'rabbitmq' as const, connected: false };
    const { clock, relay, put, sent } = await aRelay({ state, inFlightMax: 10, online: new Set(), answer: () => (state.connected ? { kind: 'confirmed' } : AWAY) });
    relay.start();
    const [id = 0] = await put(load(1));
    await put(load(1, 'b'));
    expect([relay.refusal(), await relay.published(id)]).toEqual([expect.stringContaining('connection refused'), 'unavailable']);
    await clock.advance(3_000);
    state.connected = true;
    sent.length = 0;
    relay.wakeAll();
    await clock.advance(1);
    expect([relay.refusal(), sent, await relay.published(id)]).toEqual([null, ['n1 1 confirmed', 'n1 1 confirmed'], 'confirmed']);
  });

  test('E-30 a broker that does not confirm in time makes the call unavailable; a later command of the instance counts for an earlier one', async () => {
    const answers: PublishOutcome[] = [AWAY];
    const { clock, relay, put } = await aRelay({ state: { mode: 'rabbitmq', connected: true }, answer: () => answers.shift() ?? { kind: 'confirmed' } });
    const [first = 0] = await put(load(1));
    const early = relay.published(first);
    relay.start();
    await clock.advance(1);
    expect(await early).toBe('unavailable');
    const again = relay.published(first);
    await put(load(2));
    await clock.advance(1_000);
    expect(await again).toBe('confirmed');
  });

  test('E-32 a full set leaves what is meant for a broker where it is', async () => {
    const state = { mode: 'rabbitmq' as const, connected: false };
    const { clock, relay, put, waiting } = await aRelay({ state, answer: () => AWAY });
    const [id = 0] = await put(load(1));
    relay.toldAll('n1', id);
    await clock.advance(1);
    expect(await waiting()).toEqual([[1, 0]]);
  });

  test('E-30 a call that nobody answers ends', async () => {
    const { clock, relay, put } = await aRelay();
    const [id = 0] = await put(load(1));
    const told = relay.published(id);
    for (let n = 0; n < 20; n += 1) await clock.advance(500);
    expect(await told).toBe('pending');
  });
});
