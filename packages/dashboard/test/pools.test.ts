import type { AdminHealth } from '@corral/contracts';
import { describe, expect, test } from '@jest/globals';
import { breakerStory } from '../src/pools/breaker-story.js';
import { poolMemory } from '../src/pools/pool-memory.js';
import { poolState } from '../src/pools/pool-state.js';
import { replicaState } from '../src/pools/replica-state.js';
import { waitingReason } from '../src/pools/waiting-reason.js';
import { serviceVerdict } from '../src/pools/service-verdict.js';
import { busRow, deliveryProblem } from '../src/nodes/bus-row.js';
import { nodeRow } from '../src/nodes/node-row.js';
import { aNode, aPool, aReplica } from '@corral/test-kit';

describe('U-07 whether anything can be served', () => {
  const broken = aPool({ ready: false, last_error: 'no GPU was found; allow the CPU with ALLOW_CPU_POOLS=true', replicas: [] });
  test.each([
    [[aPool()], [aNode()], 'good', 'The pool is ready', '1 replica loaded, 3 slots free.'],
    [[aPool({ replicas: [] })], [aNode()], 'good', 'The pool is ready', 'No model is loaded; the first request brings one in.'],
    [[aPool(), aPool({ pool_id: 'p2' })], [aNode()], 'good', 'All 2 pools are ready', '2 replicas loaded, 6 slots free.'],
    [[aPool(), broken], [aNode()], 'warn', '1 of 2 pools are ready', '1 replica loaded, 3 slots free.'],
    [[broken], [aNode()], 'bad', 'No pool is ready', 'p1: no GPU was found; allow the CPU with ALLOW_CPU_POOLS=true'],
    [[aPool({ ready: false })], [aNode()], 'busy', 'Starting', 'The engine of the first pool is being prepared.'],
    [[aPool({ draining: true })], [aNode()], 'bad', 'No pool is ready', 'Every pool drains: running answers end, new tasks wait.'],
    [[], [], 'bad', 'No pool is ready', 'No node has registered.'],
    [[], [aNode({ pools: [] })], 'bad', 'No pool is ready', 'The nodes report, and none has a pool.'],
    [[broken], [aNode({ online: false, state: 'offline', last_error: 'it has not reported for 30 s' })], 'bad', 'No pool is ready', 'Node n1 does not report: it has not reported for 30 s'],
    [[], [aNode({ online: false }), aNode({ node_id: 'n2', online: false })], 'bad', 'No pool is ready', 'None of 2 nodes reports.'],
  ] as const)('U-07 in words (%#)', (pools, nodes, tone, title, detail) => {
    const verdict = serviceVerdict(pools, nodes);
    expect(verdict).toMatchObject({ tone, title, detail });
    expect(verdict.tone === 'good' || verdict.next !== '').toBe(true);
  });
});

test.each([
  [{}, 'good', 'ready'],
  [{ replicas: [aReplica({ state: 'loading' })] }, 'busy', 'ready, loading'],
  [{ replicas: [aReplica({ state: 'failed', breaker: { state: 'open', retry_at_ms: null } })] }, 'warn', 'ready, a model is barred'],
  [{ ready: false }, 'busy', 'starting'],
  [{ ready: false, last_error: 'no device' }, 'bad', 'not ready'],
  [{ ready: false, live: false, last_error: 'silent' }, 'bad', 'not reporting'],
  [{ draining: true }, 'warn', 'draining'],
] as const)('U-08 a pool in a word (%#)', (changes, tone, label) => {
  expect(poolState(aPool({ ...changes, replicas: [...('replicas' in changes ? changes.replicas : [])] }))).toEqual({ tone, label });
});

test.each([
  [{}, null],
  [{ restarts: 2 }, 'tiny was restarted 2 times after a failure and runs again.'],
  [{ state: 'failed', failures: 1, breaker: { state: 'closed', retry_at_ms: 14_000 } }, 'tiny failed 1 time in a row. It is tried again in 4 s.'],
  [{ state: 'failed' }, 'tiny failed 1 time in a row. It waits for the next request or load.'],
  [{ state: 'failed', failures: 5, breaker: { state: 'open', retry_at_ms: 310_000 } }, 'tiny failed 5 times in a row, so its breaker is open. One trial follows in 5 min; reset the pool to try now.'],
  [{ state: 'failed', failures: 5, breaker: { state: 'open', retry_at_ms: null } }, 'tiny failed 5 times in a row, so its breaker is open. Nothing is tried until you reset the pool.'],
  [{ state: 'loading', failures: 5, breaker: { state: 'half_open', retry_at_ms: null } }, 'tiny is on trial: if this start works, its breaker closes.'],
] as const)('U-08 what a breaker does next (%#)', (changes, story) => {
  expect(breakerStory(aReplica(changes), 10_000)).toBe(story);
});

test('U-08 the memory of a pool by replica, and what is used beside them', () => {
  const pool = aPool({ memory_used_bytes: 4_000, replicas: [aReplica({ memory_bytes: 2_500 }), aReplica({ replica_id: 'r2', memory_bytes: 500, state: 'loading' })] });
  expect(poolMemory(pool)).toEqual({
    text: '3.9 KiB of 9.8 KiB',
    parts: [
      { key: 'r1', fraction: 0.25, className: 'hue-0 bar__part--settled' },
      { key: 'r2', fraction: 0.05, className: 'hue-1 bar__part--unsettled' },
      { key: 'rest', fraction: 0.1, className: 'hue-rest' },
    ],
  });
  expect(poolMemory(aPool({ memory_total_bytes: 0 }))).toEqual({ text: 'no device memory', parts: [] });
});

test('U-08 a replica tells how far its load is', () => {
  expect([replicaState(aReplica()), replicaState(aReplica({ state: 'loading', load_progress: 0.256 })), replicaState(aReplica({ state: 'loading' }))]).toEqual([
    { tone: 'good', label: 'loaded' },
    { tone: 'busy', label: 'loading 26 %' },
    { tone: 'busy', label: 'loading' },
  ]);
});

test('U-12 a node with its age at this moment, and one that was never heard of', () => {
  expect(nodeRow(aNode(), 4_000)).toMatchObject({ tone: 'good', state: 'online', heard: 'heard 5 s ago', problem: null });
  expect(nodeRow(aNode({ state: 'offline', last_heartbeat_ms: null, pools: [], version: null, last_error: 'ECONNREFUSED' }), 4_000)).toEqual({
    nodeId: 'n1',
    tone: 'bad',
    state: 'offline',
    heard: 'never heard of',
    heardMs: null,
    pools: [],
    address: 'http://127.0.0.1:9200',
    version: 'unknown version',
    problem: 'ECONNREFUSED',
  });
});

const worker = { node_id: 'n1', online: true, last_heartbeat_ms: 0, consumer_connected: true, last_event_ms: null, queue_lag: 0, last_error: null };
const health = (bus: Partial<AdminHealth['event_bus']>, workers: AdminHealth['workers'] = []): AdminHealth => ({ status: 'ok', event_bus: { mode: 'rabbitmq', connected: true, last_publish_ms: 2_000, last_error: null, ...bus }, workers, instances: [] });

test('U-18 the event bus: how, whether, when, and what it means that it is away', () => {
  expect(busRow(health({}), 3_000)).toEqual({ tone: 'good', state: 'connected', kind: 'RabbitMQ', published: 'last delivery 5 s ago', problem: null });
  expect(busRow(health({ mode: 'http', last_publish_ms: null }), 0)).toMatchObject({ kind: 'HTTP to each node, no broker', published: 'nothing published yet' });
  expect(busRow(health({ connected: false, last_error: 'amqp: ECONNREFUSED.' }), 0)).toMatchObject({ tone: 'bad', problem: 'amqp: ECONNREFUSED. Loads and unloads are refused until it is back; running answers go on.' });
});

test.each([
  [[], null],
  [[worker], null],
  [[{ ...worker, consumer_connected: null }], null],
  [[{ ...worker, queue_lag: 1 }], '1 command waits to be delivered to it.'],
  [[{ ...worker, consumer_connected: false, queue_lag: 2 }], 'It does not listen to the event bus. 2 commands wait to be delivered to it.'],
  [[{ ...worker, node_id: 'n2', queue_lag: 9 }], null],
])('U-18 what waits on its way to a node (%#)', (workers, problem) => {
  expect(deliveryProblem(health({}, workers), 'n1')).toBe(problem);
});

test.each([
  [{}, null, null],
  [{}, 0, null],
  [{ draining: true }, 1, '1 task waits because the pool drains: until Undrain puts it back, or another pool can serve them.'],
  [{ live: false, ready: false }, 2, '2 tasks wait because the node does not report: until it does, or another pool can serve them.'],
  [{ ready: false }, 2, '2 tasks wait because the pool is not ready: until its engine is prepared.'],
  [{ replicas: [aReplica(), aReplica({ model_id: 'big', state: 'loading', load_progress: 0.4 })] }, 2, '2 tasks wait for big (loading 40 %).'],
  [{ replicas: [aReplica({ model_id: 'big', state: 'waiting' })] }, 1, '1 task waits for big (waits for memory).'],
  [{ replicas: [aReplica({ model_id: 'big', state: 'failed' })] }, 1, '1 task waits, and big could not be loaded: what is wrong stands below.'],
  [{ slots_free: 0 }, 3, '3 tasks wait because every slot is taken: each goes on when an answer ends.'],
  [{}, 1, '1 task waits for a model that is not loaded here yet: it comes in as soon as there is room for it, or one that is loaded has had its turn.'],
] as const)('U-34 why tasks wait (%#)', (changes, waiting, reason) => {
  expect(waitingReason(aPool({ ...changes, replicas: [...('replicas' in changes ? changes.replicas : [aReplica()])] }), waiting)).toBe(reason);
});
