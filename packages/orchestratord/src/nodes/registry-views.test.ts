import { expect, test } from '@jest/globals';
import type { NodeState } from '@corral/contracts';
import { aNodeState } from '../../test/node-fixtures.js';
import type { NodeRecord } from './node-record.js';
import { nodeSummary } from './registry-views.js';

function aRecord(bus: NodeState['event_bus']): NodeRecord {
  const state = { ...aNodeState({ sent_at: '2026-01-01T00:00:10.000Z' }), ...(bus === undefined ? {} : { event_bus: bus }) };
  return { nodeId: 'n1', address: 'http://127.0.0.1:9200', machineId: null, phase: 'online', origin: 'registered', state, lastReportMs: 1_000, lastError: null } as unknown as NodeRecord;
}

const shown = (bus: NodeState['event_bus'], mode: 'rabbitmq' | 'http') => {
  const { consumer_connected: connected, last_event_ms: ageMs } = nodeSummary(aRecord(bus), [], 1_500, mode);
  return [connected, ageMs];
};

test('E-11 a node says whether commands reach it, and one that listens elsewhere than they go is not reached', () => {
  const through = (mode: 'rabbitmq' | 'http', isConnected = true) => ({ mode, consumer_connected: isConnected, last_event_at: '2026-01-01T00:00:08.000Z' });
  expect(shown(through('rabbitmq'), 'rabbitmq')).toEqual([true, 2_500]);
  expect(shown(through('rabbitmq', false), 'rabbitmq')).toEqual([false, 2_500]);
  expect(shown(through('http'), 'rabbitmq')).toEqual([false, 2_500]);
  expect(shown(through('rabbitmq'), 'http')).toEqual([true, 2_500]);
  expect(shown({ ...through('http'), last_event_at: null }, 'http')).toEqual([true, null]);
  expect(shown(undefined, 'rabbitmq')).toEqual([null, null]);
});
