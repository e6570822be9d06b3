import { expect, test } from '@jest/globals';
import { ORCHESTRATORD_METRICS, type ModelState } from '@corral/contracts';
import { createMetrics } from '@corral/service-kit';
import { aModelSpec } from '../../test/fixtures.js';
import { CatalogMeter } from './catalog-meter.js';
import type { ModelRecord } from './model-intent.js';

const record = (id: string, state: ModelState = 'Active'): ModelRecord => ({ spec: aModelSpec({ model_id: id }), origin: 'api', state });

function aMeter(records: () => readonly ModelRecord[]) {
  const metrics = createMetrics(ORCHESTRATORD_METRICS, { budgets: { model_id: 1_024 } });
  const meter = new CatalogMeter({ records }, metrics);
  return async () => {
    meter.read();
    return (await metrics.exposition()).split('\n').filter((line) => line.startsWith('model_state{')).toSorted();
  };
}

test('B-93 a model has one series, of the state that is meant for it, and none once it is purged', async () => {
  let records = [record('a'), record('b')];
  const scrape = aMeter(() => records);
  expect(await scrape()).toEqual(['model_state{model_id="a",state="Active"} 1', 'model_state{model_id="b",state="Active"} 1']);
  records = [record('a', 'Retired'), record('b')];
  expect(await scrape()).toEqual(['model_state{model_id="a",state="Retired"} 1', 'model_state{model_id="b",state="Active"} 1']);
  records = [record('a')];
  expect(await scrape()).toEqual(['model_state{model_id="a",state="Active"} 1']);
});

test('B-93 H-02 of ten thousand models those beyond the bound are counted by state', async () => {
  const records = Array.from({ length: 10_000 }, (_, n) => record(`m${n}`, n % 10 === 0 ? 'Retired' : 'Active'));
  const lines = await aMeter(() => records)();
  expect([lines.length, ...lines.filter((line) => line.includes('"other"'))]).toEqual([514, 'model_state{model_id="other",state="Active"} 8540', 'model_state{model_id="other",state="Retired"} 948']);
});
