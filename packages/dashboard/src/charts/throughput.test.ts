import { expect, test } from '@jest/globals';
import { metricSamples } from './metric-samples.js';
import { counterReading, throughput, withReading, type CounterReading } from './throughput.js';

const EXPOSITION = `# HELP tokens_out_total Tokens sampled.
# TYPE tokens_out_total counter
tokens_out_total{pool_id="a",replica_id="r\\"1\\\\"} 12
tokens_out_total{pool_id="b"} 30
tokens_out_total_created{pool_id="b"} 1700000000
instance_load_duration_ms_bucket{le="100",from="disk"} 1
instance_load_duration_ms_count{from="disk"} 2
instance_load_duration_ms_count{from="ram"} 3
queue_depth{pool_id="a",priority="interactive"} 1
queue_depth{pool_id="a",priority="batch"} 4
queue_depth{pool_id="b",priority="batch"} 2
event_bus_connected 1
`;

test('U-10 the samples of one series, with their labels, and of none that only begins the same', () => {
  expect(metricSamples(EXPOSITION, 'tokens_out_total')).toEqual([
    { labels: { pool_id: 'a', replica_id: 'r"1\\' }, value: 12 },
    { labels: { pool_id: 'b' }, value: 30 },
  ]);
  expect([metricSamples(EXPOSITION, 'event_bus_connected'), metricSamples(EXPOSITION, 'tokens_out')]).toEqual([[{ labels: {}, value: 1 }], []]);
});

test('U-10 U-08 one look at the counters', () => {
  expect(counterReading(EXPOSITION, 5)).toEqual({ atMs: 5, tokensOut: 42, loads: 5, queued: 7, queuedByPool: { a: 5, b: 2 } });
});

const at = (atS: number, tokensOut: number, loads = 0): CounterReading => ({ atMs: atS * 1_000, tokensOut, loads, queued: 0, queuedByPool: {} });

test('U-10 tokens are a rate over ten seconds, loads are those of a minute', () => {
  const points = throughput([at(0, 100, 1), at(5, 150, 2), at(10, 200, 2), at(15, 200, 4), at(62, 200, 4)]);
  expect(points.map(({ tokensPerS, loadsPerMin }) => [tokensPerS, loadsPerMin])).toEqual([[0, 0], [10, 1], [10, 1], [5, 3], [0, 2]]);
});

test('U-10 a server that was started again counts from zero, and what it has counted since comes on top', () => {
  expect(throughput([at(0, 1_000, 9), at(5, 20, 1)]).map(({ tokensPerS, loadsPerMin }) => [tokensPerS, loadsPerMin])).toEqual([[0, 0], [4, 1]]);
});

test('U-10 sixteen minutes are kept, and a clock that was set back begins anew', () => {
  const readings = Array.from({ length: 600 }, (_, n) => at(n * 2, n)).reduce<readonly CounterReading[]>(withReading, []);
  expect([readings.length, readings.at(-1)?.tokensOut]).toEqual([480, 599]);
  expect(withReading(readings, at(3, 1))).toEqual([at(3, 1)]);
});
