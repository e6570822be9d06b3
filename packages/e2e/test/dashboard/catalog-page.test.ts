import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, startHub, writeTinyModel, type Hub } from '@corral/test-kit';
import type { Browser, Page } from 'playwright-core';
import { startSystem, type System } from '../faults/served-system.js';
import { call } from '../served.js';
import { lookAgain, openBrowser, press, says, visit, WITHIN_MS } from './browser.js';

let browser: Browser;
let dir: string;
let hub: Hub;
let digest: string;
let system: System;

const models = async (): Promise<readonly string[]> => (await readdir(join(system.corral.stateDir, 'models'))).filter((name) => name.startsWith('sha256-'));
const chat = (model: string) => call(system.corral.url, 'POST', '/v1/chat/completions', { model, messages: [{ role: 'user', content: 'x' }], max_tokens: 1 });
const path = (id: string, what = '') => `/v2/catalog/models/${encodeURIComponent(id)}${what}`;
const called = (method: string, address: string, body?: object) => call(system.corral.url, method, address, body);
const modelNow = async (id: string) => (await called('GET', path(id))).body;

beforeAll(async () => {
  browser = await openBrowser();
  dir = await mkdtemp(join(tmpdir(), 'corral-catalog-'));
  const kept = await writeTinyModel(join(dir, 'kept.gguf'), {});
  const bytes = await readFile((await writeTinyModel(join(dir, 'fetched.gguf'), { endless: true })).path);
  digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  hub = await startHub();
  hub.put('fetched.gguf', bytes);
  system = await startSystem({
    models: { kept: { source: `file:${kept.path}`, context: 512, slots: 2 } },
    poolManagerd: { gc: { retention_rules: ['KeepActive', 'KeepPinned', { DeleteRetired: { after_days: 0 } }] } },
  });
}, 600_000);

afterAll(async () => {
  await system?.stop();
  await hub?.close();
  await browser?.close();
  await rm(dir, { recursive: true, force: true });
}, 600_000);

async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [field, text] of Object.entries(fields)) await page.locator(`#register-${field}`).fill(text);
}

describe('the catalog page', () => {
  test('T-251 U-20 U-21 U-22 U-23 U-24 U-27 a model is registered, pulled, verified, pinned, retired and removed there', async () => {
    const { page, complaints, close } = await visit(browser, system.corral.url);
    await page.getByRole('link', { name: 'Models', exact: true }).click();
    await says(page, '[data-model="kept"]', /from the manifest.*Active/s);
    expect([new URL(page.url()).pathname, await page.title()]).toEqual(['/ui/models', 'Models · Corral']);

    await page.getByText('Register a model').click();
    const id = 'hub:tiny/fetched.gguf';
    await fill(page, { id, sources: `${hub.url}/fetched.gguf`, digest: 'sha256:abc', tags: 'small, chat' });
    await press(page, 'Register');
    await says(page, '[data-field="register-digest"] [role="alert"]', /\w/);
    expect(await page.locator('#register-sources').inputValue()).toBe(`${hub.url}/fetched.gguf`);
    await fill(page, { digest });
    await press(page, 'Register');
    await says(page, 'h1', id);
    await says(page, '[data-panel="facts"]', digest);

    await press(page, `Pull ${id} to a node`);
    await says(page, '[data-operation][data-state="succeeded"]', /Pull.*done/s);
    await says(page, '[data-place]', 'on disk');
    await says(page, '[data-forecast][data-fits="true"]', /tokens/);

    await press(page, `Verify ${id}: read its files and compare the digest`);
    await says(page, '[data-operation][data-state="succeeded"]', /Verify.*pass/s);
    await says(page, '[data-panel="facts"]', 'passed');

    await press(page, `Pin ${id}`);
    await says(page, `[data-model="${id}"]`, 'pinned');
    await press(page, `Remove ${id} and its files`);
    await says(page, 'dialog[open]', 'cannot be taken back');
    await page.keyboard.press('Escape');
    await eventually('the question is gone, and focus is back', WITHIN_MS, async () => (await page.locator('dialog').count()) === 0 && (await page.evaluate(`document.activeElement.getAttribute('aria-label')`)) === `Remove ${id} and its files`);
    await press(page, `Remove ${id} and its files`);
    await press(page, 'Remove');
    await says(page, '.problem', /pin/);
    expect((await models()).length).toBe(1);
    await press(page, 'Dismiss');
    await press(page, `Unpin ${id}`);
    await page.getByRole('button', { name: `Pin ${id}`, exact: true }).waitFor();

    await press(page, `Retire ${id}`);
    await page.getByLabel('Seconds that what runs may still take').fill('30');
    await press(page, 'Retire');
    await says(page, `[data-model="${id}"][data-state="Retired"]`, 'Retired');
    expect(await chat(id)).toMatchObject({ status: 503, body: { error: { code: 'MODEL_DEPRECATED' } } });
    await press(page, `Activate ${id}`);
    await says(page, `[data-model="${id}"][data-state="Active"]`, 'Active');

    await page.reload();
    await says(page, 'h1', id);
    await press(page, `Remove ${id} and its files`);
    await press(page, 'Remove');
    await says(page, 'h1', 'Models');
    await says(page, '[data-model="kept"]', 'kept');
    await eventually('its line is gone', WITHIN_MS, async () => (await page.locator(`[data-model="${id}"]`).count()) === 0).catch(async (error: unknown) => {
      throw new Error(`${String(error)}; the server says ${JSON.stringify((await call(system.corral.url, 'GET', path(id))).body)}`);
    });
    expect([(await call(system.corral.url, 'GET', path(id))).status, await models()]).toEqual([404, []]);
    // The browser notes the two refusals that were provoked, and a look that came after the removal.
    expect(complaints.filter((complaint) => !/status of 4(00|04|09)/.test(complaint))).toEqual([]);
    await close();
  }, 600_000);

  test('U-29 the engine that runs models is there, is verified, and is not removed while it is used', async () => {
    const { page, close } = await visit(browser, system.corral.url, {}, '/ui/models');
    await says(page, '[data-engine]', /llamacpp \d.*for cpu/s);
    const bundle = page.locator('[data-engine]', { hasText: 'for cpu' }).first();
    await bundle.getByRole('button', { name: /^Remove / }).click();
    await press(page, 'Remove');
    await says(page, '[data-engine] [role="alert"]', /\w/);
    await bundle.getByRole('button', { name: /^Verify / }).click();
    await page.getByRole('link', { name: 'Pools', exact: true }).click();
    await says(page, '[data-operation*="engine"][data-state="succeeded"]', 'Verify');
    await close();
  }, 600_000);

  test('U-20 the list is searched by name and state, and the address keeps both', async () => {
    for (const id of ['one', 'other/one']) expect((await call(system.corral.url, 'POST', '/v2/catalog/models', { id, source_url: `${hub.url}/${id}.gguf` })).status).toBe(201);
    expect((await call(system.corral.url, 'PATCH', path('one', '/state'), { state: 'Retired' })).status).toBe(200);
    const { page, close } = await visit(browser, system.corral.url, {}, '/ui/models');
    const shown = () => page.evaluate(`[...document.querySelectorAll('[data-model]')].map((line) => line.dataset.model).join(' ')`);
    await says(page, '[data-model="kept"]', 'kept');
    await page.getByLabel('Name').fill('one');
    await eventually('two are found', WITHIN_MS, async () => (await shown()) === 'one other/one');
    await page.getByLabel('State').selectOption('Retired');
    await eventually('one is found', WITHIN_MS, async () => (await shown()) === 'one');
    await page.reload();
    await eventually('the same after a reload', WITHIN_MS, async () => (await shown()) === 'one');
    await page.getByLabel('Name').fill('nothing of that name');
    await says(page, '.empty', 'No model of the catalog');
    await close();
  }, 600_000);

  test.each([
    [360, 'light'],
    [360, 'dark'],
    [1_280, 'light'],
  ] as const)('U-13 U-20 at %d pixels in %s a long name and a digest fit', async (width, colorScheme) => {
    const { page, close } = await visit(browser, system.corral.url, { viewport: { width, height: 900 }, colorScheme });
    const id = `hf:an-organisation/${'a-long-name-'.repeat(10)}/model.Q4_K_M.gguf`;
    await call(system.corral.url, 'POST', '/v2/catalog/models', { id, source_url: `${hub.url}/fetched.gguf`, digest });
    for (const address of ['/ui/models', `/ui/models/${encodeURIComponent(id)}/`]) {
      await page.goto(new URL(address, system.corral.url).href);
      await says(page, `[data-model="${id}"]`, 'Active');
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    }
    await close();
  }, 600_000);

  test('T-252 U-28 a garbage collection is planned, then run, and says what it did', async () => {
    expect((await called('POST', '/v2/catalog/models', { id: 'old', source_url: `${hub.url}/fetched.gguf` })).status).toBe(201);
    expect((await called('POST', path('old', '/pull?wait=true'), {})).status).toBe(200);
    expect((await called('PATCH', path('old', '/state'), { state: 'Retired' })).status).toBe(200);
    expect((await called('POST', '/v1/completions', { model: 'kept', prompt: 'x', max_tokens: 1 })).status).toBe(200);

    const { page, complaints, close } = await visit(browser, system.corral.url, {}, '/ui/models');
    await says(page, '[data-model="old"]', 'Retired');
    expect(await page.getByRole('button', { name: 'Run the garbage collection', exact: true }).getAttribute('aria-disabled')).toBe('true');
    // The node hears of what was retired with its next report.
    await eventually('the plan names the retired model', WITHIN_MS, async () => {
      await press(page, 'Plan a garbage collection; nothing is deleted');
      await says(page, '[data-gc="plan"] [data-gc-node]', /% used/);
      return (await page.locator('[data-gc="plan"] [data-gone="old"]').count()) === 1;
    });
    expect(await says(page, '[data-gone="old"]', 'retired for long enough')).toMatch(/\d (B|KiB|MiB)/);
    await page.getByText(/stays?, and why/).click();
    await says(page, '[data-kept="kept"]', /\w/);
    expect((await models()).length).toBe(1);

    await press(page, 'Run the garbage collection');
    await says(page, 'dialog', '1 entry goes');
    await press(page, 'Delete');
    await says(page, '[data-gc="report"] [data-gone="old"]', 'retired for long enough');
    await says(page, '[data-panel="gc"]', '1 entry deleted');
    expect([await models(), complaints]).toEqual([[], []]);
    await close();
  }, 600_000);
});

describe('two operators at one model', () => {
  /** Shows a page the model as it is now, until the page changes something: so long the other operator is faster than its next look. */
  async function freeze(page: Page, id: string): Promise<void> {
    const { body, headers } = await called('GET', path(id));
    let [isFrozen, shown] = [true, 0];
    await page.route(
      (url) => url.pathname.startsWith(path(id)),
      async (route) => {
        if (route.request().method() !== 'GET') isFrozen = false;
        if (!isFrozen) return route.fallback();
        await route.fulfill({ json: body, headers: { etag: headers.get('etag') ?? '' } });
        shown += 1;
      },
    );
    // An answer that was on its way counts no longer once it has asked again.
    await lookAgain(page);
    await eventually('the page is shown that', WITHIN_MS, () => Promise.resolve(shown > 0));
  }

  test('T-275 U-30 U-33 neither overwrites the other: a change in between is shown, nothing is done, and what was typed is kept', async () => {
    const id = 'shared';
    expect((await called('POST', '/v2/catalog/models', { id, source_url: `${hub.url}/fetched.gguf`, tags: ['chat'] })).status).toBe(201);
    const [one, other] = [await visit(browser, system.corral.url, {}, `/ui/models/${id}`), await visit(browser, system.corral.url, {}, `/ui/models/${id}`)];
    const { page } = one;
    const openEdit = (at: Page) => at.getByText('Change the entry').click();
    await openEdit(page);
    await openEdit(other.page);

    // Whoever types sees the change while typing.
    await page.locator('#edit-tags').fill('mine');
    await press(other.page, `Pin ${id}`);
    await says(page, '[data-panel="edit"] [data-changed]', /Pinned: no → yes/);
    expect([await page.locator('#edit-tags').inputValue(), await page.getByRole('button', { name: 'Save', exact: true }).getAttribute('aria-disabled')]).toEqual(['mine', 'true']);
    await press(page, 'Take up the change');
    await press(page, 'Save');
    await says(page, '[data-panel="facts"]', 'mine');
    expect(await modelNow(id)).toMatchObject({ tags: ['mine'], pinned: true });

    // Whoever saves before seeing it is refused, and so is whoever answers a question.
    await freeze(page, id);
    await page.locator('#edit-slots').fill('3');
    await says(other.page, '[data-panel="facts"]', 'mine');
    await other.page.locator('#edit-tags').fill('theirs');
    await press(other.page, 'Save');
    await says(other.page, '[data-panel="facts"]', 'theirs');
    await press(page, 'Save');
    await says(page, '[data-panel="edit"] [data-changed]', /Tags: mine → theirs/);
    expect(await page.locator('#edit-slots').inputValue()).toBe('3');
    await press(page, 'Take up the change');
    await press(page, 'Save');
    await eventually('both changes are there', WITHIN_MS, async () => JSON.stringify([(await modelNow(id))['tags'], (await modelNow(id))['slots']]) === '[["theirs"],3]');

    await lookAgain(other.page);
    await says(other.page, '[data-panel="forecast"]', '3 slots');
    await freeze(page, id);
    await press(page, `Retire ${id}`);
    await page.getByLabel('Seconds that what runs may still take').fill('3600');
    await press(other.page, `Unpin ${id}`);
    await other.page.getByRole('button', { name: `Pin ${id}`, exact: true }).waitFor();
    await press(page, 'Retire');
    await says(page, 'dialog[open] [data-changed]', /nothing was done.*Pinned: yes → no/s);
    expect([await page.getByLabel('Seconds that what runs may still take').inputValue(), (await modelNow(id))['state']]).toEqual(['3600', 'Active']);
    await press(page, 'Take up the change');
    await press(page, 'Retire');
    await says(page, `[data-model="${id}"][data-state="Retired"]`, /cut in \d+ (min|h)/);

    await lookAgain(other.page);
    await says(other.page, `[data-model="${id}"]`, 'Retired');
    await freeze(page, id);
    await press(other.page, `Pin ${id}`);
    await other.page.getByRole('button', { name: `Unpin ${id}`, exact: true }).waitFor();
    await press(page, `Activate ${id}`);
    await says(page, '[data-changed]', /nothing was done.*Pinned: no → yes/s);
    expect((await modelNow(id))['state']).toBe('Retired');
    await press(page, 'Dismiss');
    await press(page, `Activate ${id}`);
    await says(page, `[data-model="${id}"][data-state="Active"]`, 'Active');

    await press(page, `Unpin ${id}`);
    for (const at of [page, other.page]) await at.getByRole('button', { name: `Pin ${id}`, exact: true }).waitFor();
    await freeze(page, id);
    await press(page, `Remove ${id} and its files`);
    await press(other.page, `Retire ${id}`);
    await press(other.page, 'Retire');
    await says(other.page, `[data-model="${id}"]`, 'Retired');
    await press(page, 'Remove');
    await says(page, 'dialog[open] [data-changed]', /State: Active → Retired/);
    await page.keyboard.press('Escape');
    await page.locator('[data-changed]').waitFor({ state: 'detached' });
    expect((await modelNow(id))['state']).toBe('Retired');
    expect([...one.complaints, ...other.complaints].filter((complaint) => !complaint.includes('412'))).toEqual([]);
    await Promise.all([one.close(), other.close()]);
  }, 600_000);
});
