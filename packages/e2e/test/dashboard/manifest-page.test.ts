import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, startCorral, writeTinyModel, type Corral } from '@corral/test-kit';
import type { Browser } from 'playwright-core';
import { ONE_THREAD } from '../served.js';
import { openBrowser, says, visit, WITHIN_MS } from './browser.js';

let browser: Browser;
let dir: string;
let corral: Corral;
let file: string;

/** The manifest, with the routes on lines of their own. */
const manifest = (...routes: readonly string[]): string => ['version: 1', 'models:', `  tiny: { source: "file:${join(dir, 'tiny.gguf')}", context: 512, slots: 2 }`, 'routes:', ...routes.map((route) => `  ${route}`), ''].join('\n');

beforeAll(async () => {
  browser = await openBrowser();
  dir = await mkdtemp(join(tmpdir(), 'corral-manifest-'));
  file = join(dir, 'corral.yaml');
  await writeTinyModel(join(dir, 'tiny.gguf'), { endless: true });
  await writeFile(file, manifest('quick: { model: tiny }', 'old: { model: tiny }'));
  corral = await startCorral({ args: ['--manifest', file], env: { ...ONE_THREAD } });
}, 600_000);

afterAll(async () => {
  await corral?.stop();
  await browser?.close();
  await rm(dir, { recursive: true, force: true });
}, 600_000);

test('T-253 U-25 U-26 the manifest page shows a reload while it is open: new versions, what drains, and the line of a mistake', async () => {
  const { page, complaints, close } = await visit(browser, corral.url);
  await page.getByRole('link', { name: 'Manifest', exact: true }).click();
  await says(page, '[data-manifest="good"]', file);
  await says(page, '[data-binding="route:quick@1"][data-state="active"]', 'tiny');
  await says(page, '[data-panel="reloads"] .empty', 'Nothing was reloaded');

  const leave = new AbortController();
  const streaming = await fetch(new URL('/v1/completions', corral.url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'quick', prompt: 'x', max_tokens: 400, stream: true }), signal: leave.signal });
  expect([streaming.status, streaming.headers.get('x-corral-route')]).toEqual([200, 'quick@1']);

  await writeFile(file, manifest('quick: { model: tiny, priority: batch }', 'fresh: { model: tiny }'));
  corral.kill('SIGHUP');
  expect(await says(page, '[data-reload="ok"]', '+1 ~1 -1')).toMatch(/by SIGHUP.*route:fresh/s);
  await says(page, '[data-binding="route:quick@2"]', 'active');
  await says(page, '[data-binding="route:fresh@1"]', 'active');
  leave.abort();
  await says(page, '[data-binding="route:quick@1"]', 'terminated');
  await says(page, '[data-binding="route:old@1"]', 'terminated');

  await writeFile(file, manifest('quick: { model: tiny, priority: batch }', 'fresh: { model: tinny }'));
  corral.kill('SIGHUP');
  expect(await says(page, '[data-reload="error"]', 'line 6')).toContain('tinny');
  await says(page, '[data-manifest="warn"]', 'The last reload failed');
  expect(await page.locator('[data-binding="route:fresh@1"][data-state="active"]').count()).toBe(1);

  await page.getByLabel('State').selectOption('active');
  await page.getByLabel('Name or target').fill('route');
  await eventually('two routes are left', WITHIN_MS, async () => (await page.evaluate(`[...document.querySelectorAll('[data-binding]')].map((line) => line.dataset.binding).join(' ')`)) === 'route:fresh@1 route:quick@2');
  expect(complaints).toEqual([]);
  await close();
}, 600_000);
