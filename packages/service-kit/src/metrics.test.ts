import { expect, test } from '@jest/globals';
import type { MetricsContract } from '@corral/contracts';
import { boundedLabel } from './bounded-label.js';
import { createMetrics } from './metrics.js';

const CONTRACT = {
  jobs_total: { type: 'counter', help: 'Jobs.', labels: ['kind'] },
  restarts_total: { type: 'counter', help: 'Restarts.', labels: [] },
  waiting: { type: 'gauge', help: 'Waiting.', labels: ['place'] },
  took_ms: { type: 'histogram', help: 'Took.', labels: [], buckets: [10, 100] },
} as const satisfies MetricsContract;

test('H-01 every series has its TYPE line from the start, and 0 where it has no labels', async () => {
  expect(await createMetrics(CONTRACT).exposition()).toBe(
    [
      '# HELP jobs_total Jobs.',
      '# TYPE jobs_total counter',
      '',
      '# HELP restarts_total Restarts.',
      '# TYPE restarts_total counter',
      'restarts_total 0',
      '',
      '# HELP waiting Waiting.',
      '# TYPE waiting gauge',
      '',
      '# HELP took_ms Took.',
      '# TYPE took_ms histogram',
      'took_ms_bucket{le="10"} 0',
      'took_ms_bucket{le="100"} 0',
      'took_ms_bucket{le="+Inf"} 0',
      'took_ms_sum 0',
      'took_ms_count 0',
      '',
    ].join('\n'),
  );
});

test('H-01 counts, levels and durations appear with their labels and the default ones', async () => {
  const metrics = createMetrics(CONTRACT, { defaultLabels: { node_id: 'n1' } });
  metrics.inc('jobs_total', { kind: 'a' });
  metrics.inc('jobs_total', { kind: 'a' }, 4);
  metrics.set('waiting', { place: 'p1' }, 7);
  metrics.set('waiting', { place: 'p2' }, 9);
  metrics.remove('waiting', { place: 'p2' });
  metrics.observe('took_ms', {}, 50);
  const lines = (await metrics.exposition()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toEqual([
    'jobs_total{kind="a",node_id="n1"} 5',
    'restarts_total{node_id="n1"} 0',
    'waiting{place="p1",node_id="n1"} 7',
    'took_ms_bucket{le="10",node_id="n1"} 0',
    'took_ms_bucket{le="100",node_id="n1"} 1',
    'took_ms_bucket{le="+Inf",node_id="n1"} 1',
    'took_ms_sum{node_id="n1"} 50',
    'took_ms_count{node_id="n1"} 1',
  ]);
});

test('H-02 values beyond the budget of a label are counted as other', async () => {
  const metrics = createMetrics(CONTRACT, { budgets: { kind: 2 } });
  for (const kind of ['a', 'b', 'c', 'd', 'a']) metrics.inc('jobs_total', { kind });
  const lines = (await metrics.exposition()).split('\n').filter((line) => line.startsWith('jobs_total{'));
  expect(lines).toEqual(['jobs_total{kind="a"} 2', 'jobs_total{kind="b"} 1', 'jobs_total{kind="other"} 2']);
});

test('H-02 a bounded label keeps the first values and calls the rest other', () => {
  const label = boundedLabel(2);
  expect(['x', 'y', 'z', 'x', 'y'].map(label)).toEqual(['x', 'y', 'other', 'x', 'y']);
});
