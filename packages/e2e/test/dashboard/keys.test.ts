import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import type { Browser, Page } from 'playwright-core';
import { ONE_THREAD, tiny, type Tiny } from '../served.js';
import { openBrowser, press, says, visit, WITHIN_MS } from './browser.js';

let browser: Browser;
let model: Tiny;
let corral: Corral;
let admin: string;
const keys = new Map<string, string>();

async function post(path: string, body: object, key?: string): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  const answer = await fetch(new URL(path, corral.url), { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Record<string, unknown>;
}

beforeAll(async () => {
  browser = await openBrowser();
  model = await tiny();
  corral = await startCorral({ manifest: { version: 1, models: { tiny: model.model } }, env: { ...ONE_THREAD } });
  admin = String((await post('/api/admin/keys', { org_id: 'default', role: 'system_admin' }))['key']);
  await post('/api/admin/orgs', { org_id: 'acme' }, admin);
  for (const role of ['member', 'org_admin']) keys.set(role, String((await post('/api/admin/keys', { org_id: 'acme', role }, admin))['key']));
  await post('/api/orgs/acme/instances', { instance_id: 'helpdesk', model: 'tiny', tier: 'cold' }, keys.get('org_admin'));
  await post('/api/orgs/default/instances', { instance_id: 'bot', model: 'tiny', tier: 'cold' }, admin);
}, 600_000);

afterAll(async () => {
  await corral?.stop();
  await browser?.close();
  await model?.remove();
}, 600_000);

async function enter(page: Page, key: string): Promise<void> {
  await page.getByLabel('API key').fill(key);
  await press(page, 'Use this key');
}

describe('where keys exist', () => {
  test('U-05 the page asks for one, says when it is wrong, keeps the right one for its tab alone, and forgets it when told', async () => {
    const { page, hosts, close } = await visit(browser, corral.url);
    await says(page, 'h1', 'This server needs a key');
    expect(await page.locator('[data-pool], [data-instance]').count()).toBe(0);

    await enter(page, 'not-a-key-of-this-server');
    await says(page, 'h1', 'That key is not accepted');
    await enter(page, ` ${admin} `);
    await says(page, '[data-verdict]', 'The pool is ready');
    await says(page, '[data-instance="default/bot"]', 'bot');
    await says(page, '[data-instance="acme/helpdesk"]', 'its own keys only');

    await page.reload();
    await says(page, '[data-verdict]', 'The pool is ready');
    expect(await page.evaluate('[Object.values(sessionStorage).length, localStorage.length, document.cookie]')).toEqual([1, 0, '']);
    const other = await visit(browser, corral.url);
    await says(other.page, 'h1', 'This server needs a key');
    await other.close();

    await press(page, 'Forget key');
    await says(page, 'h1', 'This server needs a key');
    expect([await page.evaluate('sessionStorage.length'), await page.locator('[data-pool]').count(), [...hosts]]).toEqual([0, 0, [new URL(corral.url).host]]);
    await close();
  }, 600_000);

  test('U-05 a key that is revoked while the page is open takes the numbers away', async () => {
    const { page, close } = await visit(browser, corral.url);
    const { key, key_id: id } = await post('/api/admin/keys', { org_id: 'default', role: 'system_admin' }, admin);
    await enter(page, String(key));
    await says(page, '[data-verdict]', 'The pool is ready');
    const revoked = await fetch(new URL(`/api/admin/keys/${String(id)}`, corral.url), { method: 'DELETE', headers: { authorization: `Bearer ${admin}` } });
    expect(revoked.ok).toBe(true);
    await says(page, 'h1', 'That key is not accepted');
    expect(await page.locator('[data-pool]').count()).toBe(0);
    await close();
  }, 600_000);

  test('U-17 an administrator of one org sees its instances and why there is no more, and can load them', async () => {
    const { page, close } = await visit(browser, corral.url);
    await enter(page, keys.get('org_admin') ?? '');
    await says(page, 'h1', 'Your organisation’s instances');
    await says(page, '[data-instance="acme/helpdesk"]', 'tiny');
    expect(await page.locator('[data-pool], [data-stat], [data-instance="default/bot"]').count()).toBe(0);
    await press(page, 'Load acme/helpdesk');
    await says(page, '[data-instance="acme/helpdesk"] .chip', 'loaded');
    for (const name of ['Models', 'Manifest']) {
      await page.getByRole('link', { name, exact: true }).click();
      await says(page, 'main', /system_admin/);
    }
    await close();
  }, 600_000);

  test('U-05 a member is told which role the page needs, and asks no further', async () => {
    const { page, close } = await visit(browser, corral.url);
    await enter(page, keys.get('member') ?? '');
    await says(page, 'h1', 'This key may not see this page');
    await says(page, '.key-form', 'system_admin');
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
    await eventually('only what is open is asked', WITHIN_MS, () => Promise.resolve(asked.length >= 2));
    expect(new Set(asked)).toEqual(new Set(['/metrics']));
    await close();
  }, 600_000);
});
