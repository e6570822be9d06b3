import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, forkDaemon, startHub, startRabbit, type ForkedDaemon, type Rabbit } from '@corral/test-kit';
import { modelPath } from '../node-catalog/node-catalog.js';
import { call, ONE_THREAD, tiny, type Tiny } from '../served.js';

const ORCHESTRATORD = fileURLToPath(new URL('../../../orchestratord/dist/main.js', import.meta.url));
const POOL_MANAGERD = fileURLToPath(new URL('../../../pool-managerd/dist/main.js', import.meta.url));
const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const TOKEN = 'a-token-of-more-than-thirty-two-characters';
const SOON_MS = 180_000;
const LONG = 600_000;
/** Room for one of the models below, never for two. */
const POOL_MEMORY_BYTES = '260000000';

interface ReplicaSeen {
  readonly model_id: string;
  readonly state: string;
}

interface PoolSeen {
  readonly node_id: string;
  readonly ready: boolean;
  readonly replicas: readonly ReplicaSeen[];
}

/** Two machines' worth of nodes under one control plane; what they share is the broker, where there is one. */
class TwoNodes {
  readonly #daemons = new Map<string, ForkedDaemon>();
  readonly #environments = new Map<string, Readonly<Record<string, string>>>();
  #models: readonly Tiny[] = [];
  #dir = '';

  async start(amqpUrl: string | null): Promise<void> {
    this.#dir = await mkdtemp(join(tmpdir(), 'c2-'));
    this.#models = [await tiny({ mode: 'chain', sizeBytes: 100_000_000 }, { slots: 2 }), await tiny({ mode: 'chain', sizeBytes: 101_000_000 }, { slots: 2 })];
    const manifest = join(this.#dir, 'manifest.json');
    await writeFile(manifest, JSON.stringify({ version: 1, models: { one: this.#models[0]?.model, two: this.#models[1]?.model }, routes: { other: { model: 'two', placement: { mode: 'pin', pin_pool_id: 'right-cpu' } } } }));
    const bus: Readonly<Record<string, string>> = amqpUrl === null ? {} : { AMQP_URL: amqpUrl };
    await this.#fork('control', ORCHESTRATORD, { ORCHESTRATORD_ADDR: '127.0.0.1:0', POOL_MANAGERD_URLS: 'none', CORRAL_MANIFEST: manifest, NODE_OFFLINE_MS: '15000', NODE_HEARTBEAT_MS: '1000', DEMAND_LOAD_WAIT_MS: '120000', ...bus });
    for (const nodeId of ['left', 'right']) {
      await this.#fork(nodeId, POOL_MANAGERD, { ...ONE_THREAD, POOL_MANAGERD_ADDR: '127.0.0.1:0', ORCHESTRATOR_URL: this.url, NODE_ID: nodeId, IDLE_WORKERS: '0', CPU_POOL_MEMORY_BYTES: POOL_MEMORY_BYTES, ...bus });
    }
    await eventually('both nodes are ready', SOON_MS, async () => {
      const pools = await this.pools();
      return pools.length === 2 && pools.every(({ ready }) => ready);
    });
  }

  get url(): string {
    return this.urlOf('control');
  }

  urlOf(name: string): string {
    return this.#daemons.get(name)?.url ?? '';
  }

  call(method: string, path: string, body?: unknown) {
    return call(this.url, method, path, body, TOKEN);
  }

  chat(model: string) {
    return this.call('POST', '/v1/completions', { model, prompt: 'a', max_tokens: 3 });
  }

  async pools(): Promise<readonly PoolSeen[]> {
    return (await this.call('GET', '/v2/pools')).body['data'] as readonly PoolSeen[];
  }

  /** Nodes that have a replica of the model, in whatever state. */
  async holders(modelId: string): Promise<readonly string[]> {
    return (await this.pools()).filter(({ replicas }) => replicas.some(({ model_id }) => model_id === modelId)).map(({ node_id }) => node_id);
  }

  kill(nodeId: string): void {
    const daemon = this.#daemons.get(nodeId);
    if (daemon === undefined) throw new Error(`there is no node ${nodeId}`);
    process.kill(daemon.pid, 'SIGKILL');
  }

  /** The node comes back with what it had on disk. */
  restart(nodeId: string): Promise<void> {
    return this.#fork(nodeId, POOL_MANAGERD, this.#environments.get(nodeId) ?? {});
  }

  /** Models on the disk of a node, as it says itself. */
  async onDisk(nodeId: string): Promise<readonly string[]> {
    const { body } = await call(this.urlOf(nodeId), 'GET', '/v2/catalog/models', undefined, TOKEN);
    return (body['data'] as readonly { readonly model_id: string }[]).map(({ model_id }) => model_id);
  }

  /** Registers a model and brings it to both nodes. */
  async spread(modelId: string, source: string): Promise<void> {
    expect((await this.call('POST', '/v2/catalog/models', { id: modelId, source_url: source })).status).toBe(201);
    expect((await this.call('POST', modelPath(modelId, '/pull?wait=true'), { nodes: 'all' })).body).toMatchObject({ state: 'succeeded', result: { nodes: [{ error: null }, { error: null }] } });
  }

  /** `corral models rm`. */
  async remove(modelId: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const run = promisify(execFile)(process.execPath, [CLI, 'models', 'rm', modelId, '--url', this.url, '--token', TOKEN], { timeout: SOON_MS });
    return run.then(
      ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
      ({ code, stdout, stderr }: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({ code, out: stdout, err: stderr }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#daemons.values()].map((daemon) => daemon.stop()));
    for (const model of this.#models) await model.remove();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #fork(name: string, program: string, env: Readonly<Record<string, string>>): Promise<void> {
    this.#environments.set(name, env);
    this.#daemons.set(name, await forkDaemon(program, { CORRAL_STATE_DIR: join(this.#dir, name), LLORCH_API_TOKEN: TOKEN, ...env }));
  }
}

describe.each(['http', 'rabbitmq'])('over %s', (transport) => {
  let rabbit: Rabbit | undefined;
  const nodes = new TwoNodes();

  beforeAll(async () => {
    if (transport === 'rabbitmq') rabbit = await startRabbit();
    await nodes.start(rabbit?.url ?? null);
  }, LONG);
  afterAll(async () => {
    await nodes.stop();
    await rabbit?.remove();
  }, LONG);

  test('T-97 G-20 one load is done by exactly one of two nodes', async () => {
    expect((await nodes.call('POST', '/api/orgs/default/instances', { instance_id: 'bot', model: 'one', tier: 'cold' })).status).toBe(201);
    expect((await nodes.call('POST', '/api/orgs/default/instances/bot/load')).status).toBe(202);
    const record = await eventually('it is ready', SOON_MS, async () => {
      const { body } = await nodes.call('GET', '/api/orgs/default/instances/bot');
      return body['is_ready'] === true && body;
    });
    expect(await nodes.holders('one')).toEqual([record['node_id']]);
  }, LONG);

  test('T-256 G-20 a model that is new goes where there is room, and neither drives the other out', async () => {
    const answers = [];
    for (const model of ['two', 'bot', 'two', 'bot']) answers.push((await nodes.chat(model)).status);
    expect(answers).toEqual([200, 200, 200, 200]);
    expect([...(await nodes.holders('one')), ...(await nodes.holders('two'))].toSorted()).toEqual(['left', 'right']);
  }, LONG);

  test('T-254 T-39 A-40 a route that is pinned to the other node is served there, beside what is resident, and nothing yields', async () => {
    await nodes.call('POST', '/api/orgs/default/instances/bot/load');
    const [held = ''] = await nodes.holders('one');
    const answers = await Promise.all([nodes.chat('other'), nodes.chat('bot'), nodes.chat('other'), nodes.chat('bot')]);
    expect(answers.map(({ status, headers }) => [status, headers.get('x-corral-pool')])).toEqual([[200, 'right-cpu'], [200, `${held}-cpu`], [200, 'right-cpu'], [200, `${held}-cpu`]]);
    expect([await nodes.holders('one'), await nodes.holders('two')]).toEqual([[held], ['right']]);
  }, LONG);

  test('T-258 G-06 C-44 what a drained pool does not take is answered by the other node, until the drain is undone', async () => {
    const [holder = ''] = await nodes.holders('two');
    const other = holder === 'left' ? 'right' : 'left';
    const drained = nodes.call('POST', `/v2/pools/${holder}-cpu/drain?wait=true`, { deadline_ms: 60_000 });
    const meanwhile = nodes.chat('two');
    expect((await drained).status).toBe(200);
    expect((await meanwhile).status).toBe(200);
    expect((await nodes.pools()).find(({ node_id }) => node_id === holder)).toMatchObject({ ready: false, draining: true, replicas: [] });
    const answer = await nodes.chat('two');
    expect([answer.status, answer.headers.get('x-corral-pool')]).toEqual([200, `${other}-cpu`]);
    expect((await nodes.call('DELETE', `/v2/pools/${holder}-cpu/drain`)).status).toBe(204);
    await eventually('it takes work again', SOON_MS, async () => (await nodes.pools()).every(({ ready }) => ready));
  }, LONG);

  test('T-272 A-167 a purge that one node refuses is done on the other, the model stays meant, and the same call later does the rest', async () => {
    const small = await tiny({ mode: 'chain' });
    const hub = await startHub();
    try {
      hub.put('three.gguf', await readFile(small.path));
      await nodes.spread('three', `file:${small.path}`);
      // Other bytes under the same id, which never come: the node alone knows that it uses the model.
      hub.misbehave(() => ({ kind: 'stall', afterBytes: 0 }));
      const fetching = call(nodes.urlOf('right'), 'POST', modelPath('three', '/pull'), { spec: { model_id: 'three', sources: [`${hub.url}/three.gguf`], digest: `sha256:${'9'.repeat(64)}`, context: 512, slots: 1, pinned: false } }, TOKEN);
      expect((await fetching).status).toBe(202);
      const refused = await nodes.call('DELETE', modelPath('three', '?purge=true'));
      expect([refused.status, refused.body]).toEqual([409, expect.objectContaining({ code: 'MODEL_IN_USE', message: expect.stringMatching(/^node right keeps model three: .*; it is gone from left, and the same call/) })]);
      const operation = await nodes.call('GET', refused.headers.get('location') ?? '');
      const ends = (operation.body['result'] as { readonly nodes: readonly { readonly node_id: string; readonly outcome: string }[] }).nodes;
      expect([operation.body['kind'], operation.body['state'], Object.fromEntries(ends.map(({ node_id, outcome }) => [node_id, outcome]))]).toEqual(['model_purge', 'failed', { left: 'purged', right: 'kept' }]);
      expect((await nodes.call('GET', modelPath('three'))).body).toMatchObject({ id: 'three', state: 'Active', sources: [`file:${small.path}`] });
      expect([(await nodes.onDisk('left')).includes('three'), (await nodes.onDisk('right')).includes('three')]).toEqual([false, true]);
      const told = await nodes.remove('three');
      expect([told.code, told.out, told.err]).toEqual([1, expect.stringContaining('three on right: kept, '), expect.stringContaining('node right keeps model three')]);
      await hub.close();
      const done = await eventually('nothing uses it', SOON_MS, async () => {
        const tried = await nodes.remove('three');
        return tried.code === 0 && tried;
      });
      expect(done.out).toBe('three on right: purged\nthree is removed\n');
      expect([(await nodes.call('GET', modelPath('three'))).status, (await nodes.onDisk('right')).includes('three')]).toEqual([404, false]);
    } finally {
      await hub.close();
      await small.remove();
    }
  }, LONG);

  test('T-255 T-272 B-56 what a dead node held is loaded on the one that lives, and it does not keep what was purged meanwhile', async () => {
    const [dead = ''] = await nodes.holders('two');
    const small = await tiny({ mode: 'chain' });
    await nodes.spread('four', `file:${small.path}`);
    nodes.kill(dead);
    const alive = dead === 'left' ? 'right' : 'left';
    await eventually('the loss is noticed', SOON_MS, async () => ((await nodes.call('GET', '/v2/nodes')).body['data'] as readonly { readonly node_id: string; readonly online: boolean }[]).some(({ node_id, online }) => node_id === dead && !online));
    const answer = await eventually('it is answered', SOON_MS, async () => {
      const got = await nodes.chat('two');
      return got.status === 200 && got;
    });
    expect(answer.headers.get('x-corral-pool')).toContain(alive);
    expect((await nodes.pools()).filter(({ node_id }) => node_id === alive).flatMap(({ replicas }) => replicas).map(({ model_id }) => model_id)).toContain('two');
    expect(await nodes.remove('four')).toMatchObject({ code: 0, out: expect.stringMatching(new RegExp(`four on ${dead}: later, it does not report\n`)) });
    expect((await nodes.onDisk(alive)).includes('four')).toBe(false);
    await nodes.restart(dead);
    await eventually('it has heard of the purge', SOON_MS, async () => !(await nodes.onDisk(dead)).includes('four'));
    await small.remove();
  }, LONG);
});
