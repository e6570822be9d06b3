import { expect, test } from '@jest/globals';
import { engineRows, type NodeEngine } from '../src/engines/engine-row.js';

function anEngine(changes: Partial<NodeEngine> = {}): NodeEngine {
  return {
    node_id: 'n1',
    engine_id: 'cpu-3.22.1',
    engine: 'llamacpp',
    version: '3.22.1',
    mode: 'package',
    build_ref: null,
    digest: null,
    build_flags: [],
    artifacts: [],
    size_bytes: 1_048_576,
    location: '/engines/cpu',
    in_place: false,
    device_kinds: ['cpu'],
    chosen_for: ['cpu'],
    gain: null,
    verification: { result: 'pass', reason: 'ok' },
    last_verified_ms: 0,
    state: 'Active',
    pinned: false,
    created_ms: 0,
    last_used_ms: 0,
    used_by: ['replica r1'],
    ...changes,
  };
}

test('U-29 a bundle that runs replicas', () => {
  expect(engineRows([anEngine()], 60_000)).toEqual([
    {
      key: 'n1 cpu-3.22.1',
      nodeId: 'n1',
      engineId: 'cpu-3.22.1',
      version: 'llamacpp 3.22.1',
      tone: 'good',
      state: 'runs cpu',
      isPinned: false,
      facts: 'prebuilt, for cpu, 1.0 MiB',
      gain: null,
      location: '/engines/cpu',
      verification: { tone: 'good', label: 'passed', when: '1 min ago', atMs: 0, reason: null },
      used: 'used 1 min ago',
      keptBy: 'replica r1',
      canUse: false,
    },
  ]);
});

test('U-29 one that waits, built here and measured; a retired one is not to be used', () => {
  const built = anEngine({ engine_id: 'local', mode: 'source', chosen_for: [], size_bytes: 0, last_used_ms: null, used_by: [], gain: { against: 'cpu-3.22.1', prefill: 1.314, decode: 1, threads: 1, measured_ms: 0 } });
  expect(engineRows([built], 0)[0]).toMatchObject({ tone: 'idle', state: 'not in use', facts: 'built here from source, for cpu', gain: '1.31 times the prefill, 1.00 times the decode beside cpu-3.22.1, with 1 thread', used: null, keptBy: null, canUse: true });
  expect(engineRows([{ ...built, used_by: ['replica r1'] }], 0)[0]).toMatchObject({ tone: 'good', state: 'in use', keptBy: 'replica r1' });
  expect(engineRows([{ ...built, state: 'Retired' }], 0)[0]).toMatchObject({ state: 'Retired', canUse: false });
});

test('U-29 by node, those that run replicas first', () => {
  const idle = { chosen_for: [] };
  expect(engineRows([anEngine({ node_id: 'n2' }), anEngine({ engine_id: 'b', ...idle }), anEngine({ engine_id: 'a', ...idle }), anEngine()], 0).map(({ key }) => key)).toEqual(['n1 cpu-3.22.1', 'n1 a', 'n1 b', 'n2 cpu-3.22.1']);
});
