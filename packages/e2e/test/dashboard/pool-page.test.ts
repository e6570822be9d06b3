import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import type { Browser } from 'playwright-core';
import { call, ONE_THREAD, tiny, type Tiny } from '../served.js';
import { lookAgain, openBrowser, press, says, turn, visit, WITHIN_MS } from './browser.js';

const ROW = '[data-instance="default/bot"]';
const STATS = ['total_instances', 'hot_tier_count', 'warm_tier_count', 'cold_tier_count', 'demand_tier_count', 'shared_model_count', 'shared_bundle_count', 'memory_estimate_mb'];

let browser: Browser;
let model: Tiny;
let corral: Corral;
/** A system whose only pool lacks its device. */
let poor: Corral;

beforeAll(async () => {
  browser = await openBrowser();
  model = await tiny();
  const manifest = { version: 1, models: { tiny: model.model } };
  const started = await Promise.allSettled([startCorral({ manifest, env: { ...ONE_THREAD } }), startCorral({ manifest, env: { POOL_DEVICES: 'cuda:0' } })]);
  // Whichever did start has to be stopped.
  if (started[0].status === 'fulfilled') corral = started[0].value;
  if (started[1].status === 'fulfilled') poor = started[1].value;
  for (const outcome of started) if (outcome.status === 'rejected') throw outcome.reason;
  const created = await call(corral.url, 'POST', '/api/orgs/default/instances', { instance_id: 'bot', model: 'tiny', tier: 'cold' });
  expect(created.status).toBe(201);
}, 600_000);

afterAll(async () => {
  await Promise.all([corral?.stop(), poor?.stop(), browser?.close()]);
  await model?.remove();
}, 600_000);

const stats = async () => (await call(corral.url, 'GET', '/api/admin/pool/stats')).body;

describe('the pool page', () => {
  test('B-46 B-120 U-02 U-04 T-144 loads where it was announced, without a complaint or another host, and shows a card for each number', async () => {
    expect(corral.ready.dashboard_url).toBe(`${corral.url}/ui/`);
    const { page, complaints, hosts, close } = await visit(browser, corral.url);
    await says(page, '[data-verdict]', 'The pool is ready');
    const { data } = (await call(corral.url, 'GET', '/v2/pools')).body as { readonly data: readonly { readonly pool_id: string }[] };
    await says(page, `[data-pool="${data[0]?.pool_id ?? ''}"] h3`, data[0]?.pool_id ?? '');
    await says(page, '[data-stat="total_instances"]', /Instances\s*1/);
    expect(await page.evaluate(`[...document.querySelectorAll('[data-stat]')].map((card) => card.dataset.stat)`)).toEqual(STATS);
    await says(page, '[data-node]', /online/);
    await says(page, ROW, /default\/bot.*tiny.*cold.*(on disk|not fetched)/s);
    expect(await page.locator('canvas').count()).toBe(3);
    expect([complaints, [...hosts]]).toEqual([[], [new URL(corral.url).host]]);
    await close();
  }, 600_000);

  test('U-09 T-144 a load changes the row and the cards without a reload, and so does an unload', async () => {
    const { page, complaints, close } = await visit(browser, corral.url);
    await says(page, '[data-stat="hot_tier_count"]', /Hot\s*0/);
    await page.evaluate('window.isSamePage = true');
    await press(page, 'Load default/bot');
    await says(page, `${ROW} .chip`, 'loaded');
    await says(page, '[data-stat="hot_tier_count"]', /Hot\s*1/);
    await says(page, '.replica__model', 'tiny');
    expect(await stats()).toMatchObject({ total_instances: 1, hot_tier_count: 1 });
    expect(await page.getByRole('button', { name: 'Load default/bot', exact: true }).getAttribute('aria-disabled')).toBe('true');
    await press(page, 'Unload default/bot');
    await says(page, `${ROW} .chip`, /on disk|staged/);
    await says(page, '[data-stat="hot_tier_count"]', /Hot\s*0/);
    expect([await page.evaluate('window.isSamePage'), complaints]).toEqual([true, []]);
    await close();
  }, 600_000);

  test('U-19 the page of an instance has its own address, tells what happened to it, and leads back', async () => {
    const { page, complaints, close } = await visit(browser, corral.url);
    await says(page, '[data-chart="Tokens per second"] .chart__now', /\d/);
    await page.evaluate('window.isSamePage = true');
    await page.getByRole('link', { name: 'default/bot' }).click();
    await says(page, 'h1', 'default/bot');
    expect(await says(page, '[data-event="created"]', 'created')).toMatch(/\d/);
    expect([new URL(page.url()).pathname, await page.evaluate('window.isSamePage')]).toEqual(['/ui/instances/default/bot', true]);
    await page.reload();
    await says(page, ROW, 'tiny');
    await press(page, 'Load default/bot');
    await says(page, `${ROW} .chip`, 'loaded');
    await says(page, '[data-event="loaded"]', /\d+ (ms|s)/);
    await press(page, 'Unload default/bot');
    await says(page, `${ROW} .chip`, /on disk|staged/);
    await page.getByRole('link', { name: 'Pool page' }).click();
    await says(page, '[data-verdict]', 'The pool is ready');
    await page.goBack();
    await says(page, 'h1', 'default/bot');
    expect(complaints).toEqual([]);
    await close();
  }, 600_000);

  test('U-11 U-09 a warm instance is loaded as far as the staging area, which shows it', async () => {
    expect((await call(corral.url, 'POST', '/api/orgs/default/instances', { instance_id: 'waiting', model: 'tiny', tier: 'warm' })).status).toBe(201);
    const { page, complaints, close } = await visit(browser, corral.url);
    await says(page, '[data-instance="default/waiting"] .chip', 'staged in RAM');
    await press(page, 'Unload default/waiting');
    await says(page, '[data-stat="warm_tier_count"]', /Warm\s*0/);
    await press(page, 'Load default/waiting');
    await says(page, '[data-instance="default/waiting"] .chip', 'staged in RAM');
    await says(page, '[data-staged="tiny"] .chip', 'staged');
    await says(page, '[data-stat="warm_tier_count"]', /Warm\s*1/);
    await press(page, 'Unload default/waiting');
    await says(page, '[data-stat="warm_tier_count"]', /Warm\s*0/);
    expect((await call(corral.url, 'DELETE', '/api/orgs/default/instances/waiting')).status).toBe(204);
    await lookAgain(page);
    await eventually('its row is gone', WITHIN_MS, async () => (await page.locator('[data-instance="default/waiting"]').count()) === 0);
    expect(complaints).toEqual([]);
    await close();
  }, 600_000);

  test('U-08 U-24 a pool is taken out of service and put back, and the operation is shown', async () => {
    const { data } = (await call(corral.url, 'GET', '/v2/pools')).body as { readonly data: readonly { readonly pool_id: string }[] };
    const pool = data[0]?.pool_id ?? '';
    const { page, complaints, close } = await visit(browser, corral.url);
    await press(page, `Drain ${pool}: take it out of service`);
    await says(page, 'dialog[open]', 'no more work');
    await page.getByLabel('Seconds that what runs may still take').fill('soon');
    await says(page, 'dialog[open] [role="alert"]', 'whole number');
    expect(await page.getByRole('button', { name: 'Drain', exact: true }).getAttribute('aria-disabled')).toBe('true');
    await page.getByLabel('Seconds that what runs may still take').fill('0');
    await press(page, 'Drain');
    await says(page, '[data-verdict="bad"]', 'Every pool drains');
    await says(page, '[data-operation="pool_drain"]', pool);
    await press(page, `Put ${pool} back into service`);
    await says(page, '[data-verdict="good"]', 'The pool is ready');
    expect(complaints).toEqual([]);
    await close();
  }, 600_000);

  test('U-09 an instance is loaded as another tier from its own page', async () => {
    const { page, close } = await visit(browser, corral.url);
    await page.getByRole('link', { name: 'default/bot' }).click();
    await press(page, 'Load default/bot as warm: it waits in host RAM');
    await says(page, `${ROW} .chip`, 'staged in RAM');
    await says(page, ROW, 'held as warm');
    await press(page, 'Unload default/bot');
    await says(page, ROW, /cold\s*on disk/);
    await close();
  }, 600_000);

  test('an answer that the page cannot draw is said, and a reload is offered', async () => {
    const { page, close } = await visit(browser, corral.url);
    await page.route('**/v2/pools', (route) => route.fulfill({ json: { data: [{ pool_id: 'from-another-version' }], next_cursor: null } }));
    await lookAgain(page);
    await says(page, 'h1', 'This page could not be drawn');
    await page.unroute('**/v2/pools');
    await press(page, 'Reload');
    await says(page, '[data-verdict]', 'The pool is ready');
    await close();
  }, 600_000);

  test('U-06 a refusal stands in its row with the words of the server, until it is dismissed', async () => {
    const { page, close } = await visit(browser, corral.url);
    await page.route('**/instances/bot/load', (route) =>
      route.fulfill({ status: 503, headers: { 'x-correlation-id': 'c-77' }, json: { code: 'NODE_UNAVAILABLE', message: 'no node is online', hint: 'start pool-managerd', retriable: true } }),
    );
    await press(page, 'Load default/bot');
    expect(await says(page, '.table__problem', 'no node is online')).toMatch(/start pool-managerd.*c-77/s);
    await press(page, 'Dismiss');
    await eventually('the refusal is gone', WITHIN_MS, async () => (await page.locator('.table__problem').count()) === 0);
    await close();
  }, 600_000);

  test('U-14 all of it works by keyboard: the focus is seen, and stays on its button while polls go on', async () => {
    const { page, close } = await visit(browser, corral.url);
    await says(page, ROW, 'bot');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    const focused = () => page.evaluate(`document.activeElement.getAttribute('aria-label')`);
    for (let n = 0; n < 30 && (await focused()) !== 'Load default/bot'; n += 1) await page.keyboard.press('Tab');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    await says(page, `${ROW} .chip`, 'loaded');
    expect(await focused()).toBe('Load default/bot');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Unload default/bot');
    await page.keyboard.press('Space');
    await says(page, `${ROW} .chip`, /on disk|staged/);
    await close();
  }, 600_000);

  test.each([
    [360, 'light'],
    [360, 'dark'],
    [1_600, 'light'],
    [1_600, 'dark'],
  ] as const)('U-13 at %d pixels in %s everything fits, and polls move nothing', async (width, colorScheme) => {
    const { page, close } = await visit(browser, corral.url, { viewport: { width, height: 900 }, colorScheme });
    await says(page, ROW, 'bot');
    await says(page, '[data-stat="total_instances"]', /Instances\s*1/);
    await eventually('everything was answered', WITHIN_MS, async () => (await page.locator('.loading').count()) === 0);
    const asked = new Set<string>();
    page.on('response', (response) => void asked.add(new URL(response.url()).pathname));
    await page.evaluate(`window.moved = 0; new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.moved += value; }).observe({ type: 'layout-shift', buffered: false })`);
    await lookAgain(page);
    await eventually('everything was asked again', WITHIN_MS, async () => ['/v2/pools', '/v2/nodes', '/metrics', '/api/orgs/default/instances'].every((path) => asked.has(path)));
    // What came is drawn in the next frames.
    await page.evaluate('new Promise((drawn) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(drawn)), 100))');
    expect(await page.evaluate('window.moved')).toBeLessThan(0.002);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    const [, lightness = 0] = /\((\d+)/.exec(String(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor'))) ?? [];
    expect(Number(lightness) > 128).toBe(colorScheme === 'light');
    await close();
  }, 600_000);

  test('U-15 a page that nobody sees asks nothing, not even one that was opened behind another, and asks at once when it is seen again', async () => {
    const { page, close } = await visit(browser, corral.url);
    await page.clock.install();
    const asked: string[] = [];
    page.on('request', (request) => void (/^.(v2|api|metrics)/.test(new URL(request.url()).pathname) && asked.push(new URL(request.url()).pathname)));
    await page.addInitScript(`if (sessionStorage.behind === 'yes') Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })`);
    await page.reload();
    await says(page, ROW, 'bot');
    // The clock of the page runs ahead of ours: so long as it is seen that makes it ask.
    asked.length = 0;
    await page.clock.fastForward(60_000);
    await eventually('it asks again and again', WITHIN_MS, () => Promise.resolve(asked.includes('/api/admin/pool/stats') && asked.includes('/v2/pools')));

    await turn(page, 'hidden');
    asked.length = 0;
    for (let n = 0; n < 5; n += 1) await page.clock.fastForward(60_000);
    expect([await page.locator(ROW).count(), asked]).toEqual([1, []]);
    await turn(page, 'visible');
    await eventually('it asks again', WITHIN_MS, () => Promise.resolve(asked.length >= 5));

    await turn(page, 'hidden');
    asked.length = 0;
    await page.evaluate(`sessionStorage.behind = 'yes'`);
    await page.goto(`${corral.url}/ui/models`);
    await page.clock.fastForward(60_000);
    await page.locator('.loading').first().waitFor();
    expect(asked).toEqual([]);
    await turn(page, 'visible');
    await says(page, '[data-model="tiny"]', 'Active');
    await close();
  }, 600_000);

  test('U-31 U-32 an instance leads to its model, that to its pool, whose address survives a reload; moments tell their date', async () => {
    const { page, complaints, close } = await visit(browser, corral.url);
    await page.evaluate('window.isSamePage = true');
    await page.locator(ROW).getByRole('link', { name: 'tiny', exact: true }).click();
    await says(page, 'h1', 'tiny');
    await says(page, ROW, 'cold');
    expect(await page.title()).toBe('tiny · Corral');
    const pool = (await page.locator('[data-forecast]').first().getAttribute('data-forecast')) ?? '';
    await page.locator('[data-forecast]').getByRole('link', { name: pool, exact: true }).click();
    const isThere = async () => (await page.evaluate(`document.activeElement.dataset.pool`)) === pool;
    await eventually('its card has the focus', WITHIN_MS, isThere);
    expect([new URL(page.url()).hash, await page.title(), await page.evaluate('window.isSamePage')]).toEqual([`#pool-${pool}`, 'Pools · Corral', true]);
    await page.reload();
    await eventually('its card has the focus again', WITHIN_MS, isThere);
    expect(await page.locator('[data-node] time').first().getAttribute('title')).toMatch(/\d{4}/);
    expect(complaints).toEqual([]);
    await close();
  }, 600_000);

  test('U-35 of many instances no more are drawn than stay quick, and each is found by name, model and state', async () => {
    const { page, close } = await visit(browser, corral.url);
    const { data } = (await call(corral.url, 'GET', '/api/orgs/default/instances')).body as { readonly data: readonly { readonly instance_id: string }[] };
    const [bot] = data.filter(({ instance_id: id }) => id === 'bot');
    const many = Array.from({ length: 300 }, (_, n) => ({ ...bot, instance_id: `bot-${n}`, last_error: n === 222 ? 'the disk is full' : null }));
    await page.route('**/api/orgs/default/instances?*', (route) => route.fulfill({ json: { data: many, next_cursor: null } }));
    await lookAgain(page);
    await says(page, '[data-panel="instances"]', '300 instances');
    const drawn = () => page.locator('[data-instance]').count();
    expect(await drawn()).toBe(50);
    await press(page, 'Show more (250 left)');
    await eventually('more are drawn', WITHIN_MS, async () => (await drawn()) === 100);
    await page.getByLabel('State').selectOption('with an error');
    await eventually('the one that failed is found', WITHIN_MS, async () => (await drawn()) === 1);
    await says(page, '[data-instance="default/bot-222"]', 'the disk is full');
    await page.getByLabel('Name or model').fill('no such name');
    await says(page, '[data-panel="instances"] .empty', 'No instance');
    await close();
  }, 600_000);

  test('U-03 while orchestratord is away the last numbers stay, with their age; when it is back, so is the page', async () => {
    expect((await call(corral.url, 'POST', '/api/orgs/default/instances/bot/load', { tier: 'hot' })).status).toBe(202);
    const { page, close } = await visit(browser, corral.url);
    await says(page, '[data-replica][data-state="resident"]', 'tiny');
    await says(page, '[data-freshness]', /Updated \d+ s ago/);
    const before = ((await call(corral.url, 'GET', '/health')).body as { readonly incarnation: string }).incarnation;
    const pool = await says(page, '[data-pool] h3', /\w/);
    try {
      // Whoever would start it again at once stands still, so that it is away for longer than the page waits between two looks.
      process.kill(corral.pid, 'SIGSTOP');
      process.kill(corral.ready.pids.orchestratord, 'SIGKILL');
      expect(await says(page, '[data-freshness]', /old/)).toMatch(/^These numbers are \d+ s old: .+ Still trying\.$/);
    } finally {
      process.kill(corral.pid, 'SIGCONT');
    }
    expect(await page.locator('[data-pool] h3').textContent()).toBe(pool);
    await says(page, '[data-freshness]', /Updated \d+ s ago/);
    expect(((await call(corral.url, 'GET', '/health')).body as { readonly incarnation: string }).incarnation).not.toBe(before);
    await says(page, '[data-verdict]', 'The pool is ready');
    await close();
  }, 600_000);
});

test('U-07 where no pool is ready the page says why and what to do', async () => {
  const { page, complaints, close } = await visit(browser, poor.url);
  await says(page, '[data-verdict]', 'No pool is ready');
  const { data } = (await call(poor.url, 'GET', '/v2/pools')).body as { readonly data: readonly { readonly last_error: string }[] };
  expect(data[0]?.last_error).toMatch(/\w/);
  await says(page, '[data-verdict]', data[0]?.last_error ?? '');
  expect(complaints).toEqual([]);
  await close();
}, 600_000);
