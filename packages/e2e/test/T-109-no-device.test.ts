import { expect, test } from '@jest/globals';
import { eventually, startCorral } from '@corral/test-kit';
import { call } from './served.js';

test('T-109 T-35 C-32 without a GPU and without permission for the CPU: unready, refused at once, and told why', async () => {
  const corral = await startCorral({ env: { ALLOW_CPU_POOLS: 'false' } });
  try {
    const pools = await eventually('the pool is known', 120_000, async () => {
      const seen = (await call(corral.url, 'GET', '/v2/pools')).body['data'] as readonly { readonly ready: boolean; readonly last_error: string }[];
      return seen.length > 0 && seen;
    });
    expect(pools).toMatchObject([{ ready: false }]);
    expect(pools[0]?.last_error).toMatch(/nvidia/i);
    expect(pools[0]?.last_error).toContain('--allow-cpu');

    const refused = await call(corral.url, 'POST', '/v1/chat/completions', { model: 'smollm2', messages: [{ role: 'user', content: 'Hi' }] });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'POOL_UNREADY', type: 'server_error' } } });
    expect(JSON.stringify(refused.body)).toContain('--allow-cpu');
    expect(await call(corral.url, 'GET', '/ready')).toMatchObject({ status: 503, body: { ready: false, reason: expect.stringContaining('--allow-cpu') } });
  } finally {
    await corral.stop();
  }
}, 600_000);
