import type { Operation } from '@corral/contracts';
import { expect, test } from '@jest/globals';
import { operationRow } from '../src/operations/operation-row.js';

const AT = '2026-01-01T00:00:00.000Z';
const NOW_MS = Date.parse(AT) + 60_000;

function anOperation(changes: Partial<Operation> = {}): Operation {
  return { operation_id: 'op-1', kind: 'model_verify', subject: { model_id: 'tiny' }, state: 'running', phase: 'reading_files', progress: 0.426, detail: null, result: null, error: null, created_at: AT, ended_at: null, ...changes };
}

const ended = { state: 'succeeded', progress: 1, ended_at: '2026-01-01T00:00:02.500Z' } as const;

test('U-24 one that goes on, with its share or without', () => {
  expect(operationRow(anOperation(), NOW_MS)).toEqual({ operationId: 'op-1', what: 'Verify', subject: 'tiny', modelId: 'tiny', tone: 'busy', label: 'running, 43 %', note: 'reading files', nodes: [], fraction: 0.426, isRunning: true, problem: null, when: 'since 1 min', atMs: NOW_MS - 60_000 });
  expect(operationRow(anOperation({ progress: null, detail: 'n1 reads tiny' }), NOW_MS)).toMatchObject({ label: 'running', fraction: null, note: 'n1 reads tiny' });
});

test.each([
  [{ kind: 'pool_drain', subject: { pool_id: 'p1' } }, 'Drain', 'p1', null],
  [{ kind: 'replica_swap', subject: { pool_id: 'p1', model_id: 'a/b' } }, 'Replica swap', 'p1 / a/b', null],
  [{ kind: 'model_pull', subject: { model_id: 'a/b' } }, 'Pull', 'a/b', 'a/b'],
])('U-24 what is done to what (%#)', (changes, what, subject, modelId) => {
  expect(operationRow(anOperation(changes), NOW_MS)).toMatchObject({ what, subject, modelId });
});

test.each([
  ['pass', 'good', 'passed'],
  ['warn', 'warn', 'unconfirmed'],
  ['fail', 'bad', 'failed'],
] as const)('U-24 a verification that ended in %s looks %s, though the operation succeeded', (result, tone, label) => {
  const row = operationRow(anOperation({ ...ended, result: { model_id: 'tiny', result, reason: 'why', last_verified_ms: 0, nodes: [{ node_id: 'n1', result, reason: 'why', digest: null }] } }), NOW_MS);
  expect(row).toMatchObject({ tone, label, note: 'why', nodes: [], fraction: null, isRunning: false, when: '57 s ago, took 2.5 s' });
});

test('U-24 a pull says what each node has, and where it failed', () => {
  const nodes = [{ node_id: 'n1', digest: null, size_bytes: 1_048_576, error: null }, { node_id: 'n2', digest: null, size_bytes: null, error: 'the disk is full' }];
  expect(operationRow(anOperation({ ...ended, kind: 'model_pull', result: { model_id: 'tiny', nodes } }), NOW_MS)).toMatchObject({
    what: 'Pull',
    tone: 'warn',
    label: 'failed on 1 of 2',
    nodes: [
      { nodeId: 'n1', tone: 'good', text: 'has it, 1.0 MiB' },
      { nodeId: 'n2', tone: 'bad', text: 'the disk is full' },
    ],
  });
});

test('U-24 one that failed says why and what to do; a result of another kind says no more than that it is done', () => {
  expect(operationRow(anOperation({ ...ended, state: 'failed', error: { code: 'NODE_UNAVAILABLE', message: 'n1 is away', hint: 'start it', retriable: true } }), NOW_MS)).toMatchObject({ tone: 'bad', label: 'failed', problem: 'n1 is away start it' });
  expect(operationRow(anOperation({ ...ended, result: { nodes: 3 } }), NOW_MS)).toMatchObject({ tone: 'good', label: 'done', nodes: [] });
});
