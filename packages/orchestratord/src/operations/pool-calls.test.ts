import { ApiError, type Assignment, type ModelSpec, type Operation } from '@corral/contracts';
import { ConnectionError, Operations, silentLog, type HttpClient } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { describe, expect, test } from '@jest/globals';
import type { PoolView } from '../nodes/node-view.js';
import { PoolCalls } from './pool-calls.js';

const B: ModelSpec = { model_id: 'b', sources: ['file:/b'], digest: null, context: 256, slots: 2, pinned: false };
const pool = (poolId: string, nodeId = 'n1'): PoolView => ({ poolId, nodeId, address: '', online: true, snapshotAgeMs: 0, status: {} as PoolView['status'] });
const running = (operation_id: string): Operation => ({ operation_id, kind: 'k', subject: {}, state: 'running', phase: 'draining', progress: null, detail: null, result: null, error: null, created_at: '2026-01-01T00:00:00.000Z', ended_at: null });

/** Nodes whose answers a test gives: `POST path` → what it begins, `GET path` → how that is. */
function setup(answer: (call: string, body: unknown) => unknown) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const refreshed: string[] = [];
  const wanted: Assignment[] = [];
  const exchange = (method: string, path: string, body?: unknown) => {
    asked.push(`${method} ${path}`);
    const said = answer(`${method} ${path}`, body);
    return said instanceof Error ? Promise.reject(said) : Promise.resolve(said as never);
  };
  const client = { json: exchange, exchange, peer: 'n1:9200' } as unknown as HttpClient;
  const operations = new Operations({ clock, log: silentLog });
  const nodes = { pools: () => [], pool: () => undefined, clientFor: (nodeId: string) => (nodeId === 'gone' ? undefined : client), refresh: (nodeId: string) => void refreshed.push(nodeId) };
  const calls = new PoolCalls({ operations, nodes, wanted: { all: () => wanted, apply: () => Promise.resolve([]) }, residency: { between: async (job) => await job() }, clock });
  const ended = async ({ operation_id }: Operation, ms = 1_000) => {
    await clock.advance(ms);
    return operations.get(operation_id);
  };
  return { calls, asked, refreshed, wanted, ended };
}

describe('operations on pools', () => {
  test('B-101 B-104 a drain is begun at the node, followed to its end, and the node is asked for its state at once', async () => {
    const looks: Operation[] = [running('op-n'), { ...running('op-n'), state: 'succeeded', result: { pool_id: 'p1', cut: 0 } }];
    const { calls, asked, refreshed, ended } = setup((call, body) => (call.startsWith('POST') ? (expect(body).toEqual({ deadline_ms: 100 }), running('op-n')) : looks.shift()));
    const operation = await calls.drain(pool('p1'), 100);
    expect([operation.kind, operation.subject, operation.state, refreshed]).toEqual(['pool_drain', { pool_id: 'p1', node_id: 'n1' }, 'running', ['n1']]);
    expect(await ended(operation)).toMatchObject({ state: 'succeeded', result: { pool_id: 'p1', cut: 0 } });
    expect(asked).toEqual(['POST /v2/pools/p1/drain', 'GET /v2/operations/op-n', 'GET /v2/operations/op-n']);
  });

  test('B-101 a node that cannot be reached, or refuses, is the answer of the call, and nothing is begun', async () => {
    const { calls } = setup(() => new ConnectionError({ peer: 'n1:9200', causeCode: 'ECONNREFUSED', reached: false }, undefined));
    await expect(calls.drain(pool('p1'), undefined)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' });
    await expect(calls.undrain(pool('p1', 'gone'))).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' });
    const clash = setup(() => new ApiError('CONFLICT', 'a drain is under way'));
    await expect(clash.calls.reload(pool('p1'), { new_model_ref: 'b' }, B)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('C-262 a reload has succeeded when what is wanted of the pool follows it', async () => {
    const { calls, wanted, ended } = setup((call, body) => (call.startsWith('POST') ? (expect(body).toEqual({ new_model_ref: 'b', model: B }), running('op-n')) : { ...running('op-n'), state: 'succeeded', result: { mode: 'beside' } }));
    const operation = await calls.reload(pool('p1'), { new_model_ref: 'b' }, B);
    expect(await ended(operation)).toMatchObject({ state: 'running', phase: 'taking_over' });
    wanted.push({ wanted: 'resident', model: B, target: { node_id: 'n1', pool_id: 'p1' } } as Assignment);
    expect(await ended(operation)).toMatchObject({ state: 'succeeded', result: { mode: 'beside' } });
    const never = await calls.reload(pool('p2'), { new_model_ref: 'b' }, B);
    expect(await ended(never, 61_000)).toMatchObject({ state: 'failed', error: { code: 'CONFLICT' } });
  });

  test('C-40 G-11 a reload that its node took back fails with the reason', async () => {
    const { calls, ended } = setup((call) => (call.startsWith('POST') ? running('op-n') : { ...running('op-n'), state: 'failed', error: { code: 'CONFLICT', message: 'b cannot be loaded; a serves on', retriable: false } }));
    expect(await ended(await calls.reload(pool('p1'), { new_model_ref: 'b' }, B))).toMatchObject({ state: 'failed', error: { code: 'CONFLICT', message: 'b cannot be loaded; a serves on' } });
  });

  test('C-263 the drain of a node drains each of its pools, and fails with the first that does', async () => {
    const ends: Record<string, object> = { '/v2/operations/p1': { state: 'succeeded', result: 1 }, '/v2/operations/p2': { state: 'succeeded', result: 2 } };
    const rig = setup((call) => {
      const [, path = ''] = call.split(' ');
      return call.startsWith('POST') ? running(path.split('/')[3] ?? '') : { ...running('x'), ...ends[path] };
    });
    expect(await rig.ended(await rig.calls.drainNode('n1', [pool('p1'), pool('p2')], 5))).toMatchObject({ kind: 'node_drain', state: 'succeeded', result: { node_id: 'n1', pools: [1, 2] } });
    ends['/v2/operations/p2'] = { state: 'failed', error: { code: 'CONFLICT', message: 'undone', retriable: false } };
    expect(await rig.ended(await rig.calls.drainNode('n1', [pool('p1'), pool('p2')], 5))).toMatchObject({ state: 'failed', error: { message: 'undone' } });
  });
});
