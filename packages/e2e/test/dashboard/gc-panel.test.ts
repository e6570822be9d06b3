import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, startHub, writeTinyModel, type Hub } from '@corral/test-kit';
import type { Browser } from 'playwright-core';
import { startSystem, type System } from '../faults/served-system.js';
import { call } from '../served.js';
import { openBrowser, press, says, visit, WITHIN_MS } from './browser.js';

let browser: Browser;
let dir: string;
let hub: Hub;
let system: System;

const models = async (): Promise<readonly string[]> => (await readdir(join(system.corral.stateDir, 'models'))).filter((name) => name.startsWith('sha256-'));

beforeAll(async () => {
  browser = await openBrowser();
  dir = await mkdtemp(join(tmpdir(), 'corral-gc-'));
  hub = await startHub();
  hub.put('fetched.gguf', await readFile((await writeTinyModel(join(dir, 'fetched.gguf'), {})).path));
  const kept = await writeTinyModel(join(dir, 'kept.gguf'), { endless: true });
  system = await startSystem({
    models: { kept: { source: `file:${kept.path}`, context: 512, slots: 2 } },
    poolManagerd: { gc: { retention_rules: ['KeepActive', 'KeepPinned', { DeleteRetired: { after_days: 0 } }] } },
  });
}, 180_000);

afterAll(async () => {
  await system?.stop();
  await hub?.close();
  await browser?.close();
  await rm(dir, { recursive: true, force: true });
}, 60_000);

test('T-252 U-28 a garbage collection is planned, then run, and says what it did', async () => {
  expect((await call(system.corral.url, 'POST', '/v2/catalog/models', { id: 'old', source_url: `${hub.url}/fetched.gguf` })).status).toBe(201);
  const pulled = await call(system.corral.url, 'POST', '/v2/catalog/models/old/pull?wait=true', {});
  expect(pulled.status).toBe(200);
  expect((await call(system.corral.url, 'PATCH', '/v2/catalog/models/old/state', { state: 'Retired' })).status).toBe(200);
  expect((await call(system.corral.url, 'POST', '/v1/completions', { model: 'kept', prompt: 'x', max_tokens: 1 })).status).toBe(200);

  const { page, complaints, close } = await visit(browser, system.corral.url);
  await page.getByRole('link', { name: 'Models', exact: true }).click();
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
}, 180_000);
