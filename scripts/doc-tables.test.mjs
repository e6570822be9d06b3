import { expect, test } from '@jest/globals';
import { apiMarkdown, errorsMarkdown, eventsMarkdown, metricsMarkdown } from './doc-tables.mjs';

const rowsOf = (markdown) => markdown.split('\n').filter((line) => line.startsWith('|'));

test('I-22 error codes are listed by status, then by name', () => {
  const errors = { Z: { status: 400, retriable: false, meaning: 'Wrong | input.' }, B: { status: 503, retriable: true, meaning: 'Later.' }, A: { status: 503, retriable: true, meaning: 'Later.' } };
  expect(rowsOf(errorsMarkdown(errors))).toEqual([
    '| code | status | retriable | meaning |',
    '|---|---|---|---|',
    '| `Z` | 400 | no | Wrong \\| input. |',
    '| `A` | 503 | yes | Later. |',
    '| `B` | 503 | yes | Later. |',
  ]);
});

test('I-22 metrics are listed by daemon and name', () => {
  const metrics = { one: { b: { type: 'gauge', help: 'B.', labels: [] }, a: { type: 'histogram', help: 'A.', labels: ['x', 'y'], buckets: [1, 2] } } };
  expect(rowsOf(metricsMarkdown(metrics))).toEqual([
    '| metric | type | labels | meaning | buckets |',
    '|---|---|---|---|---|',
    '| `a` | histogram | x, y | A. | 1, 2 |',
    '| `b` | gauge | – | B. | – |',
  ]);
});

test('I-22 events that share a schema share a table, and nested fields are named by their path', () => {
  const outcome = {
    type: 'object',
    required: ['id'],
    properties: {
      id: { type: 'string' },
      steps: { type: 'array', items: { type: 'object', required: ['ms'], properties: { ms: { type: 'integer', description: 'Milliseconds.' } } } },
      tier: { anyOf: [{ const: 'hot' }, { type: 'null' }] },
    },
  };
  const markdown = eventsMarkdown({ 'thing.lost': outcome, 'thing.found': outcome });
  expect(markdown.split('\n').filter((line) => line.startsWith('## '))).toEqual(['## thing.found, thing.lost']);
  expect(rowsOf(markdown).slice(2)).toEqual([
    '| `id` | string | yes | – |',
    '| `steps` | list of object | no | – |',
    '| `steps[].ms` | integer | yes | Milliseconds. |',
    '| `tier` | `"hot"` or null | no | – |',
  ]);
});

test('I-22 calls are listed in the order of the route table', () => {
  const routes = [
    { method: 'post', path: '/v2/tasks', summary: 'Queue a task.', responses: { 202: {} }, refusals: [400, 429] },
    { method: 'get', path: '/health', summary: 'Up.', responses: { 200: {} } },
  ];
  expect(rowsOf(apiMarkdown(routes)).slice(2)).toEqual(['| `POST /v2/tasks` | 202 | 400, 429 | Queue a task. |', '| `GET /health` | 200 | – | Up. |']);
});
