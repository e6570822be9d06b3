import { expect, test } from '@jest/globals';
import { startCorral } from '@corral/test-kit';
import { call, ONE_THREAD, tiny } from '../served.js';
import { openBrowser, says, visit } from './browser.js';

test('U-03 while orchestratord is away the last numbers stay, with their age; when it is back, so is the page', async () => {
  const browser = await openBrowser();
  const { model, remove } = await tiny();
  const corral = await startCorral({ manifest: { version: 1, models: { tiny: model }, routes: { quick: { model: 'tiny', tier: 'hot' } } }, env: { ...ONE_THREAD } });
  try {
    const { page, close } = await visit(browser, corral.url);
    await says(page, '[data-replica][data-state="resident"]', 'tiny');
    await says(page, '[data-freshness]', /Updated \d+ s ago/);
    const before = ((await call(corral.url, 'GET', '/health')).body as { readonly incarnation: string }).incarnation;
    const pool = await says(page, '[data-pool] h3', /\w/);
    // Whoever would start it again at once stands still, so that it is away for longer than the page waits between two looks.
    process.kill(corral.pid, 'SIGSTOP');
    process.kill(corral.ready.pids.orchestratord, 'SIGKILL');
    const notice = await says(page, '[data-freshness]', /old/);
    process.kill(corral.pid, 'SIGCONT');
    expect(notice).toMatch(/^These numbers are \d+ s old: .+ Still trying\.$/);
    expect(await page.locator('[data-pool] h3').textContent()).toBe(pool);
    await says(page, '[data-freshness]', /Updated \d+ s ago/);
    expect(((await call(corral.url, 'GET', '/health')).body as { readonly incarnation: string }).incarnation).not.toBe(before);
    await says(page, '[data-verdict]', 'The pool is ready');
    await close();
  } finally {
    process.kill(corral.pid, 'SIGCONT');
    await corral.stop();
    await browser.close();
    await remove();
  }
}, 180_000);
