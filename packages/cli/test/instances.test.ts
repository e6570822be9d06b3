import { afterEach, describe, expect, test } from '@jest/globals';
import type { AdminHealth, Instance, PoolStats } from '@corral/contracts';
import { empty, json, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';
import { aPool, aReplica, list } from './wire.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serving(handlers: Readonly<Record<string, Handler>>): Promise<FakeServer> {
  return (server = await startFakeServer(handlers));
}

function anInstance(over: Partial<Instance> = {}): Instance {
  return {
    instance_id: 'bot', org_id: 'acme', name: null, kind: 'explicit', origin: 'api', status: 'active', model: 'smollm2', tier: 'cold', held_tier: null, ttl_s: null,
    config: { temperature: 0.2 }, config_hash: '0123456789abcdef', residency: 'on_disk', is_ready: false, node_id: null, pool_id: null, last_error: null, progress: null, estimated_ms: null,
    created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z', last_used_at: null, ...over,
  };
}

const PATH = '/api/orgs/acme/instances';
const ready = anInstance({ residency: 'resident', is_ready: true, node_id: 'n1', pool_id: 'p1', held_tier: 'cold' });
/** One answer after the other, the last one for ever. */
const inTurn = (...answers: readonly Handler[]): Handler => {
  let n = 0;
  return (req, res, body) => answers[Math.min(n++, answers.length - 1)]?.(req, res, body);
};

describe('instances', () => {
  test('B-157 ls shows wish and fact of each, over all pages', async () => {
    const { url } = await serving({
      [`GET ${PATH}?limit=1000`]: json({ data: [anInstance({ instance_id: 'a', last_error: 'no room' })], next_cursor: 'a' }),
      [`GET ${PATH}?limit=1000&cursor=a`]: json({ data: [ready], next_cursor: null }),
    });
    const { code, out } = await runCorral(['instances', 'ls', '--org', 'acme', '--url', url]);
    expect([code, out]).toEqual([0, expect.stringMatching(/acme\/a +smollm2 +cold +on_disk +no +- +active +no room\nacme\/bot +smollm2 +cold +resident +yes +p1 +active +-\n$/)]);
    expect(JSON.parse((await runCorral(['instances', 'ls', '--org', 'acme', '--url', url, '--json'])).out)).toHaveLength(2);
  });

  test('B-157 show tells what happened, with its steps', async () => {
    const event = { at: '2026-01-01T00:00:01.000Z', type: 'loaded', reason: 'somebody asked', duration_ms: 2_000, steps: [{ step: 'loading', duration_ms: 2_000 }] };
    const { url } = await serving({ [`GET ${PATH}/bot`]: json(ready), [`GET ${PATH}/bot/events?limit=10`]: json({ data: [event], next_cursor: null }) });
    const { out } = await runCorral(['instances', 'show', 'acme/bot', '--url', url]);
    expect(out).toMatch(/ready +yes\nplace +pool p1 of node n1[\s\S]*loaded +2 s +loading 2 s +somebody asked\n$/);
    expect(JSON.parse((await runCorral(['instances', 'show', 'bot', '--org', 'acme', '--json', '--url', url])).out)).toEqual({ ...ready, events: [event] });
  });

  test('B-157 create, set and rm send what was said and nothing else', async () => {
    const { url, seen } = await serving({ [`POST ${PATH}`]: json(anInstance(), 201), [`PATCH ${PATH}/bot`]: json(anInstance()), [`DELETE ${PATH}/bot`]: empty });
    const codes = [
      await runCorral(['instances', 'create', 'acme/bot', '--model', 'smollm2', '--tier', 'demand', '--ttl-s', '9', '--set', 'temperature=0.2', '--set', 'system_prompt=5 = five', '--url', url]),
      await runCorral(['instances', 'set', 'acme/bot', '--ttl-s', 'none', '--set', 'seed=null', '--status', 'suspended', '--url', url]),
      await runCorral(['instances', 'rm', 'acme/bot', '--url', url]),
    ].map(({ code }) => code);
    expect([codes, seen.map(({ body }) => body)]).toEqual([
      [0, 0, 0],
      [{ instance_id: 'bot', model: 'smollm2', tier: 'demand', ttl_s: 9, config: { temperature: 0.2, system_prompt: '5 = five' } }, { status: 'suspended', ttl_s: null, config: { seed: null } }, undefined],
    ]);
  });

  test.each([
    [['instances', 'set', 'acme/bot'], /there is nothing to set/],
    [['instances', 'set', 'acme/bot', '--set', 'heat=1'], /--set heat=1 sets no key of a config/],
    [['instances', 'set', 'acme/bot', '--set', 'seed=x'], /seed is a number/],
    [['instances', 'show', 'a/b/c'], /a\/b\/c names no instance/],
    [['load', 'acme/bot', '--tier', 'boiling'], /Allowed choices are hot, warm, cold, demand/],
    [['top', '--interval', '0'], /--interval 0 is no number of seconds/],
  ])('B-157 %j is wrong use', async (argv, said) => {
    const { code, err } = await runCorral(argv);
    expect([code, err]).toEqual([2, expect.stringMatching(said)]);
  });
});

describe('load and unload', () => {
  const accepted = json({ message: 'Load event published', instance_id: 'bot', tier: 'cold' }, 202);
  const loading = (fraction: number) => json(anInstance({ residency: 'loading', progress: { phase: 'loading', bytes_done: null, bytes_total: null, fraction } }));

  test('B-157 load --wait shows the way and ends when the instance is ready', async () => {
    const { url, seen } = await serving({ [`POST ${PATH}/bot/load`]: accepted, [`GET ${PATH}/bot`]: inTurn(json(anInstance()), loading(0.5), json(ready)) });
    const { code, out, err } = await runCorral(['load', 'acme/bot', '--tier', 'hot', '--wait', '--url', url]);
    expect([code, out, err, seen[0]?.body]).toEqual([0, 'acme/bot is ready in pool p1\n', 'on_disk\nloading, 50 %\n', { tier: 'hot' }]);
  });

  test('B-157 a load that fails ends with what the server says of it, one that takes too long with where it is', async () => {
    const { url } = await serving({ [`POST ${PATH}/bot/load`]: accepted, [`GET ${PATH}/bot`]: json(anInstance({ last_error: 'not enough memory' })) });
    expect(await runCorral(['load', 'acme/bot', '--wait', '--url', url])).toMatchObject({ code: 1, err: expect.stringContaining('could not be loaded: not enough memory') });
    await server?.close();
    const slow = await serving({ [`POST ${PATH}/bot/load`]: accepted, [`GET ${PATH}/bot`]: loading(0.1) });
    expect(await runCorral(['load', 'acme/bot', '--wait', '--timeout', '0.2', '--url', slow.url])).toMatchObject({ code: 1, err: expect.stringContaining('is not there after 0.2 s (loading)') });
  });

  test('B-157 unload --wait ends when the replica has left', async () => {
    const { url } = await serving({
      [`POST ${PATH}/bot/unload`]: json({ message: 'Unload event published', instance_id: 'bot' }, 202),
      [`GET ${PATH}/bot`]: inTurn(json(anInstance({ residency: 'draining' })), json(anInstance({ residency: 'staged' }))),
    });
    expect(await runCorral(['unload', 'acme/bot', '--wait', '--json', '--url', url])).toMatchObject({ code: 0, out: expect.stringContaining('"residency": "staged"') });
  });

  test('B-157 a caller of another org is refused with code 4', async () => {
    const { url } = await serving({ [`POST ${PATH}/bot/load`]: refuse(403, { code: 'ORG_ACCESS_DENIED', message: 'another org', retriable: false }) });
    expect((await runCorral(['load', 'acme/bot', '--url', url])).code).toBe(4);
  });
});

describe('top', () => {
  const stats: PoolStats = { total_instances: 3, hot_tier_count: 1, warm_tier_count: 0, cold_tier_count: 1, demand_tier_count: 1, shared_model_count: 1, shared_bundle_count: 1, memory_estimate_mb: 150 };
  const health: AdminHealth = {
    status: 'ok',
    event_bus: { mode: 'http', connected: true, last_publish_ms: 5, last_error: null },
    workers: [{ node_id: 'n1', online: true, last_heartbeat_ms: 10, consumer_connected: true, last_event_ms: null, queue_lag: 0, last_error: null }],
    instances: [{ org_id: 'acme', instance_id: 'bot', residency: 'resident', ready: true, last_error: null }],
  };
  const handlers = { 'GET /api/admin/pool/stats': json(stats), 'GET /api/admin/health': json(health), 'GET /v2/pools': json(list(aPool({ replicas: [aReplica()] }))) };

  test('B-157 one look where there is no terminal, one document with --json', async () => {
    const { url } = await serving(handlers);
    const { code, out } = await runCorral(['top', '--url', url]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^3 instances: 1 hot, 0 warm, 1 cold, 1 demand[\s\S]*nodes 1 of 1 online[\s\S]*smollm2 \(resident\)[\s\S]*acme\/bot +resident +yes/)]);
    expect(JSON.parse((await runCorral(['top', '--json', '--url', url])).out)).toEqual({ stats, health, pools: [aPool({ replicas: [aReplica()] })] });
  });
});
