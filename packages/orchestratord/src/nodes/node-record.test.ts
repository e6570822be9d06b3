import { describe, expect, test } from '@jest/globals';
import { aNodeState, aRegistration } from '../../test/node-fixtures.js';
import { acceptReport, type Arrival, type NodeRecord } from './node-record.js';

const REGISTER: Arrival = { kind: 'register', request: aRegistration() };
const HEARTBEAT: Arrival = { kind: 'heartbeat' };
const POLL: Arrival = { kind: 'poll', address: 'http://10.0.0.1:9200' };
const at = (nowMs: number, asTold = true) => ({ nowMs, arePoolsAsTold: () => asTold });

function taken(acceptance: ReturnType<typeof acceptReport>): NodeRecord {
  if (acceptance.kind === 'fenced' || acceptance.kind === 'unknown') throw new Error(acceptance.kind);
  return acceptance.next;
}

const known = (over: Partial<NodeRecord> = {}): NodeRecord => ({ ...taken(acceptReport(undefined, aNodeState({ seq: 5 }), REGISTER, at(1_000))), ...over });

describe('a node that is not known', () => {
  test('P-12 P-14 registers and is online when its pools are as told, else first registering', () => {
    const settled = acceptReport(undefined, aNodeState(), REGISTER, at(7));
    expect(settled).toMatchObject({ kind: 'accepted', restarted: false, cameOnline: true, next: { phase: 'online', origin: 'registered', machineId: 'm1', lastReportMs: 7 } });
    const unsettled = acceptReport(undefined, aNodeState(), REGISTER, at(7, false));
    expect(unsettled).toMatchObject({ kind: 'accepted', cameOnline: false, next: { phase: 'registering' } });
    expect(acceptReport(taken(unsettled), aNodeState({ seq: 2 }), HEARTBEAT, at(8))).toMatchObject({ cameOnline: true, next: { phase: 'online' } });
  });

  test('P-13 must register before its heartbeats count', () => {
    expect(acceptReport(undefined, aNodeState(), HEARTBEAT, at(1))).toEqual({ kind: 'unknown' });
  });

  test('P-16 may be found by a poll', () => {
    expect(acceptReport(undefined, aNodeState(), POLL, at(1))).toMatchObject({ kind: 'accepted', next: { origin: 'static', address: 'http://10.0.0.1:9200', machineId: null } });
  });

  test('P-14 one that cannot build the pools it is told is taken as it is after three reports', () => {
    let record = taken(acceptReport(undefined, aNodeState(), REGISTER, at(1, false)));
    record = taken(acceptReport(record, aNodeState({ seq: 2 }), HEARTBEAT, at(2, false)));
    expect(record.phase).toBe('registering');
    expect(taken(acceptReport(record, aNodeState({ seq: 3 }), HEARTBEAT, at(3, false))).phase).toBe('online');
  });
});

describe('reports of one process', () => {
  test('P-13 a newer state replaces the older', () => {
    const state = aNodeState({ seq: 6, version: '9' });
    expect(taken(acceptReport(known(), state, HEARTBEAT, at(2_000)))).toEqual({ ...known(), state, lastReportMs: 2_000 });
  });

  test.each([5, 4])('P-13 E-23 a state with seq %d after 5 is a sign of life and nothing more', (seq) => {
    expect(acceptReport(known(), aNodeState({ seq, version: 'old' }), HEARTBEAT, at(2_000))).toEqual({ kind: 'stale', next: { ...known(), lastReportMs: 2_000 }, cameOnline: false });
  });

  test('P-14 a node that was offline is online with its next report', () => {
    expect(acceptReport(known({ phase: 'offline', lastError: 'silent' }), aNodeState({ seq: 6 }), HEARTBEAT, at(9))).toMatchObject({ cameOnline: true, next: { phase: 'online', lastError: null } });
  });

  test('P-12 registering again is harmless; the address may be another', () => {
    const again = acceptReport(known(), aNodeState({ seq: 6 }), { kind: 'register', request: { address: 'http://10.0.0.9:1', machine_id: 'm2' } }, at(9));
    expect(again).toMatchObject({ kind: 'accepted', restarted: false, cameOnline: false, next: { address: 'http://10.0.0.9:1', machineId: 'm2', phase: 'online' } });
  });

  test('P-16 a poll of a registered node is one more report of it and leaves its address', () => {
    expect(acceptReport(known(), aNodeState({ seq: 6 }), POLL, at(9))).toMatchObject({ kind: 'accepted', next: { origin: 'registered', address: 'http://127.0.0.1:9200', state: { seq: 6 } } });
  });
});

describe('another process under the same id', () => {
  const second = aNodeState({ incarnation: 'i2', seq: 1 });

  test('E-24 must register: a heartbeat of it is not taken', () => {
    expect(acceptReport(known(), second, HEARTBEAT, at(2))).toEqual({ kind: 'unknown' });
  });

  test('E-24 replaces the first and fences it', () => {
    const replaced = acceptReport(known(), second, REGISTER, at(2));
    expect(replaced).toMatchObject({ kind: 'accepted', restarted: true, cameOnline: true, next: { incarnation: 'i2', fenced: ['i1'], state: second } });
    expect(acceptReport(taken(replaced), aNodeState({ seq: 99 }), HEARTBEAT, at(3))).toEqual({ kind: 'fenced' });
    expect(acceptReport(taken(replaced), aNodeState({ seq: 99 }), REGISTER, at(3))).toEqual({ kind: 'fenced' });
    expect(acceptReport(taken(replaced), aNodeState({ seq: 99 }), POLL, at(3))).toEqual({ kind: 'fenced' });
  });

  test('E-24 a fenced process may have the name back once its successor is gone', () => {
    const replaced = taken(acceptReport(known(), second, REGISTER, at(2)));
    expect(acceptReport({ ...replaced, phase: 'offline' }, aNodeState({ seq: 99 }), REGISTER, at(3))).toMatchObject({ kind: 'accepted', restarted: true, next: { incarnation: 'i1', fenced: ['i2'] } });
  });

  test('E-24 the list of fenced processes is bounded', () => {
    let record = known();
    for (let n = 2; n < 30; n += 1) record = taken(acceptReport(record, aNodeState({ incarnation: `i${n}` }), REGISTER, at(n)));
    expect(record.fenced).toEqual(['i28', 'i27', 'i26', 'i25', 'i24', 'i23', 'i22', 'i21']);
  });
});
