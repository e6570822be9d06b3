import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ORCHESTRATORD_METRICS, POOL_MANAGERD_METRICS } from '@corral/contracts';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import { call, eventsOf, ONE_THREAD, tiny, type Tiny } from './served.js';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}/;

let corral: Corral;
let model: Tiny;
let early: readonly string[];

beforeAll(async () => {
  model = await tiny();
  corral = await startCorral({ manifest: { version: 1, models: { tiny: model.model } }, env: { ...ONE_THREAD } });
  early = await Promise.all([metricsOf(corral.url), metricsOf(corral.poolUrl)]);
}, 600_000);

afterAll(async () => {
  await corral.stop();
  await model.remove();
});

async function metricsOf(url: string): Promise<string> {
  return (await fetch(new URL('/metrics', url))).text();
}

describe('what an operator sees', () => {
  test('T-138 H-01 every series of the contract is there from the start', () => {
    const missing = [ORCHESTRATORD_METRICS, POOL_MANAGERD_METRICS].flatMap((contract, n) => Object.keys(contract).filter((name) => early[n]?.includes(`# TYPE ${name} `) !== true));
    expect(missing).toEqual([]);
  });

  test('T-12 T-140 T-141 B-02 H-10 H-12 H-13 one task in the logs of both daemons, with its facts and a sentence at each point', async () => {
    const created = await fetch(new URL('/v2/tasks', corral.url), {
      method: 'POST', headers: { 'content-type': 'application/json', 'x-correlation-id': 'followed-1' }, body: JSON.stringify({ model_ref: 'tiny', prompt: 'x', max_tokens: 4 }),
    });
    const { task_id: id } = (await created.json()) as { readonly task_id: string };
    await eventsOf(corral.url, id);
    const lines = await eventually('the end is logged', 120_000, async () => {
      const all = (await corral.logs('orchestratord')).filter((line) => line['correlation_id'] === 'followed-1');
      return all.some((line) => line['msg'] === 'task ended') && all;
    });
    await eventually('the node logs it', 120_000, async () => (await corral.logs('pool-managerd')).some((line) => line['correlation_id'] === 'followed-1'));

    const of = (message: string) => lines.find((line) => line['msg'] === message);
    expect(of('task admitted')).toMatchObject({ job_id: id, queue_position: 0, predicted_start_ms: expect.any(Number), human: expect.any(String) });
    expect(of('placement decided')).toMatchObject({ phase: 'admission', candidates_considered: 1, candidates_feasible: 1, filters_applied: [], pinned: false, fallback_used: false });
    expect(of('task ended')).toMatchObject({ job_id: id, model_id: 'tiny', engine: 'llamacpp', pool_id: expect.any(String), replica_id: expect.any(String), tokens_in: expect.any(Number), tokens_out: 4, decode_time_ms: expect.any(Number), queue_time_ms: expect.any(Number) });
    const told = ['task admitted', 'task started', 'task ended'].map((message) => String(of(message)?.['human']));
    for (const human of told) {
      expect(human.length).toBeLessThanOrEqual(120);
      expect(human).not.toMatch(UUID);
    }
  });

  test('T-47 T-139 H-02 decisions are counted, and no series carries the id of a task', async () => {
    const text = await metricsOf(corral.url);
    expect(text).toMatch(/placement_decisions_total\{outcome="assigned",pinned="false",fallback="false"\} [1-9]/);
    expect(text).toMatch(/tokens_out_total\{[^}]*\} [1-9]/);
    expect(text.split('\n').filter((line) => !line.startsWith('#') && UUID.test(line))).toEqual([]);
  });

  test('T-36 B-57 the same task id twice: one execution, the same answer', async () => {
    const body = { task_id: 'mine-1', model_ref: 'tiny', prompt: 'x', max_tokens: 2 };
    const [first, second] = [await call(corral.url, 'POST', '/v2/tasks', body), await call(corral.url, 'POST', '/v2/tasks', body)];
    expect([first.status, second.status, second.body]).toEqual([202, 202, first.body]);
    await eventsOf(corral.url, 'mine-1');
    const ended = await eventually('the end is logged', 120_000, async () => {
      const lines = (await corral.logs('orchestratord')).filter((line) => line['job_id'] === 'mine-1');
      return lines.some((line) => line['msg'] === 'task ended') && lines;
    });
    expect(ended.filter((line) => line['msg'] === 'task started').length).toBe(1);
  });

  test('B-44 B-26 I-08 ready, versions, capabilities and the document answer', async () => {
    const [ready, version, capabilities, document] = await Promise.all(['/ready', '/v2/meta/version', '/v2/meta/capabilities', '/openapi.json'].map((path) => call(corral.url, 'GET', path)));
    expect([ready?.body, version?.body['api_version']]).toEqual([{ ready: true, reason: null }, document?.body['info'] && (document.body['info'] as { version: string }).version]);
    expect(capabilities?.body).toMatchObject({ engines: [{ engine: 'llamacpp', slots: 4, batching: true, supported_workloads: ['completion'] }] });
  });
});
