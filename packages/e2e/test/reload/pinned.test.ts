import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { tiny, type Tiny } from '../served.js';
import { asked, opened, startReloadable, type Reloadable } from './reloadable.js';

const LONG = 600_000;
/** Takes seconds to write, so that a reload comes and goes meanwhile. */
const TOKENS = 24_000;

let models: readonly Tiny[] = [];
let served: Reloadable;

beforeAll(async () => {
  const long = { endless: true, contextTokens: 32_768 };
  const shape = { context: 32_000, slots: 2 };
  models = [await tiny({ ...long, chain: ['a', 'b'] }, shape), await tiny({ ...long, chain: ['c', 'd'] }, shape)];
  served = await startReloadable({ manifest: manifest({ chat: { model: 'one' }, leaving: { model: 'one' } }) });
}, LONG);

afterAll(async () => {
  await served?.stop();
  for (const model of models) await model.remove();
}, LONG);

function manifest(routes: object): object {
  return { version: 1, models: { one: models[0]?.model, two: models[1]?.model }, routes };
}

/** Every known version of a route: `2 active 0` is its second one, with nothing in flight. */
async function versionsOf(id: string): Promise<readonly string[]> {
  return (await served.status()).bindings.filter((binding) => binding.id === id).map(({ version, state, in_flight: inFlight }) => `${version} ${state} ${inFlight}`).toSorted();
}

test('T-117 F-05 F-16 an answer that runs ends on the version that accepted it, and the next request is the next version’s', async () => {
  const running = await opened(served.url, { model: 'chat', max_tokens: TOKENS });
  await running.begun;
  await served.serve(manifest({ chat: { model: 'two' }, leaving: { model: 'one' } }));
  expect(await versionsOf('route:chat')).toEqual(['1 draining 1', '2 active 0']);
  const next = await opened(served.url, { model: 'chat', max_tokens: 4 });
  const [before, after] = [await running.end, await next.end];
  expect([running.status, running.route, before.isDone, before.failure, /^[ab]+$/.test(before.text)]).toEqual([200, 'chat@1', true, null, true]);
  expect([next.status, next.route, after.isDone, after.failure, /^[cd]+$/.test(after.text)]).toEqual([200, 'chat@2', true, null, true]);
  await eventually('the old version ends', 120_000, async () => (await versionsOf('route:chat')).join() === '1 terminated 0,2 active 0');
}, LONG);

test('T-118 F-22 a route that was removed is 404 for new requests, and what it runs ends well; it can come back', async () => {
  const running = await opened(served.url, { model: 'leaving', max_tokens: TOKENS });
  await running.begun;
  await served.serve(manifest({ chat: { model: 'two' } }));
  expect(await asked(served.url, 'leaving')).toEqual({ status: 404, route: null });
  expect(await versionsOf('route:leaving')).toEqual(['1 draining 1']);
  expect(await running.end).toMatchObject({ isDone: true, failure: null });
  await eventually('it ends', 120_000, async () => (await versionsOf('route:leaving')).join() === '1 terminated 0');
  await served.serve(manifest({ chat: { model: 'two' }, leaving: { model: 'one' } }));
  expect(await asked(served.url, 'leaving')).toEqual({ status: 200, route: 'leaving@1' });
  const metrics = await (await fetch(new URL('/metrics', served.url))).text();
  expect(metrics).toContain('binding_requests_total{binding="route:leaving",event="received"} 2');
}, LONG);
