import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { aliveOf, eventually } from '@corral/test-kit';
import { UpRig, type RunningUp, type StandInEvent } from './run-up.js';
import { aPool, end, started } from './wire.js';

let rig: UpRig;
beforeEach(() => {
  rig = new UpRig();
});
afterEach(() => rig.end());

interface Ready {
  readonly listener_url: string;
  readonly pool_urls: readonly string[];
  readonly pids: { readonly orchestratord: number; readonly pool_managerd: number };
}

const WAIT_MS = 120_000;
const lines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
const readyOf = (up: RunningUp): Promise<Ready> =>
  eventually('ready', WAIT_MS, async () => up.out().includes('\n') && (lines(up.out())[0] as Ready));
const eventOf = (up: RunningUp, what: StandInEvent['what'], name: StandInEvent['name'], nth = 0) =>
  eventually(
    `${what} ${nth} of ${name}`,
    WAIT_MS,
    async () => (await up.events()).filter((event) => event.what === what && event.name === name)[nth],
  );
const nothingLeft = (...pids: number[]) => eventually('nothing is left', 60_000, async () => (await aliveOf(pids)).length === 0);
/** What corral up said of its waits before it starts a daemon again. */
const waitsOf = (up: RunningUp) => [...up.err().matchAll(/started again in (\d+) ms/g)].map(([, ms]) => Number(ms));
const answer = [started, { type: 'token', t: 'To', i: 0 }, { type: 'token', t: 'kyo', i: 1 }, end];
const refused = (code: string, message: string) => [{ type: 'error', code, message, retriable: true }];

describe('both daemons', () => {
  test('P-02 U-04 are started in order, know each other, and are announced in one event', async () => {
    const pool = aPool({ ready: false, last_error: 'no GPU' });
    const up = await rig.start({
      request: { json: true, allowCpu: true, manifestPath: '/m.yaml' },
      env: { CORRAL_LOG_LEVEL: 'debug' },
      standIn: { pools: [pool] },
    });
    const ready = await readyOf(up);
    const [first, second] = await up.events();
    expect(lines(up.out())).toEqual([
      {
        event: 'ready',
        listener_url: ready.listener_url,
        dashboard_url: `${ready.listener_url}/ui/`,
        pool_urls: ready.pool_urls,
        pids: { orchestratord: first?.pid, pool_managerd: second?.pid },
        pools: [{ pool_id: 'cpu', ready: false, last_error: 'no GPU' }],
      },
    ]);
    expect(first).toMatchObject({
      name: 'orchestratord',
      args: [],
      env: {
        CORRAL_STATE_DIR: up.stateDir,
        CORRAL_MANIFEST: '/m.yaml',
        CORRAL_LOG_LEVEL: 'debug',
        POOL_MANAGERD_URLS: 'none',
        ORCHESTRATORD_ADDR: '127.0.0.1:0',
      },
    });
    expect(second).toMatchObject({
      name: 'pool-managerd',
      args: [],
      env: { CORRAL_STATE_DIR: up.stateDir, ORCHESTRATOR_URL: ready.listener_url, ALLOW_CPU_POOLS: 'true', CORRAL_LOG_LEVEL: 'debug' },
    });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('P-02 %s ends both, once each, with exit code %i', async (signal, code) => {
    const up = await rig.start({ request: { json: true } });
    const { pids } = await readyOf(up);
    up.kill(signal);
    expect(await up.exited).toBe(code);
    expect(
      (await up.events())
        .filter(({ what }) => what === 'SIGTERM')
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['orchestratord', 'pool-managerd']);
    await nothingLeft(pids.orchestratord, pids.pool_managerd);
  });

  test('P-65 after a kill -9 of corral up nothing is left', async () => {
    const up = await rig.start({ request: { json: true } });
    const { pids } = await readyOf(up);
    up.kill('SIGKILL');
    expect(await up.exited).toBe('SIGKILL');
    await nothingLeft(pids.orchestratord, pids.pool_managerd);
  });

  test('a signal while they start ends what runs', async () => {
    // One that never answers is waited for, so that the signal comes before the end of the start.
    const up = await rig.start({ request: { json: true }, times: { healthyWithinMs: 600_000 }, standIn: { orchestratord: { sick: true } } });
    const { pid } = await eventOf(up, 'start', 'orchestratord');
    up.kill('SIGTERM');
    expect([await up.exited, up.out()]).toEqual([143, '']);
    await nothingLeft(pid);
  });

  test('one that does not leave is killed when its time is over', async () => {
    const up = await rig.start({ request: { json: true }, times: { stopWithinMs: 300 }, standIn: { orchestratord: { stubborn: true } } });
    const { pids } = await readyOf(up);
    up.kill('SIGTERM');
    expect(await up.exited).toBe(143);
    await nothingLeft(pids.orchestratord, pids.pool_managerd);
  });

  test('SIGHUP reaches orchestratord, and only it', async () => {
    const up = await rig.start({ request: { json: true } });
    await readyOf(up);
    up.kill('SIGHUP');
    await eventOf(up, 'SIGHUP', 'orchestratord');
    up.kill('SIGTERM');
    expect(await up.exited).toBe(143);
    expect((await up.events()).filter(({ what, name }) => what === 'SIGHUP' && name === 'pool-managerd')).toEqual([]);
  });

  test('P-07 what they say reaches standard error from warn on, and never standard output', async () => {
    const said = (level: string) => JSON.stringify({ ts: '2026-01-01T00:00:00Z', level, service: 'orchestratord', msg: `a ${level}` });
    const says = [
      { stream: 'stdout', text: 'loose words' },
      { stream: 'stderr', text: said('warn') },
      { stream: 'stderr', text: said('info') },
    ];
    const up = await rig.start({ request: { json: true }, standIn: { orchestratord: { says } } });
    await readyOf(up);
    up.kill('SIGTERM');
    await up.exited;
    expect([
      up.out().split('\n').length,
      up.err().includes('a warn'),
      up.err().includes('loose words'),
      up.err().includes('a info'),
    ]).toEqual([2, true, true, false]);
  });
});

describe('a daemon that ends', () => {
  test('is started again on its port, and the other one stays', async () => {
    const up = await rig.start({ request: { json: true }, times: { restartFirstMs: 20 } });
    const { pids, listener_url: url } = await readyOf(up);
    process.kill(pids.orchestratord, 'SIGKILL');
    const again = await eventOf(up, 'start', 'orchestratord', 1);
    await eventually('it answers', WAIT_MS, () =>
      fetch(`${url}/health`).then(
        (answered) => answered.ok,
        () => false,
      ),
    );
    expect(again.env?.['ORCHESTRATORD_ADDR']).toBe(new URL(url).host);
    expect(await aliveOf([pids.pool_managerd])).toEqual([pids.pool_managerd]);
    await eventually('the notes', WAIT_MS, async () =>
      /orchestratord ended \(signal SIGKILL\); it is started again in 20 ms[\s\S]*listens again/.test(up.err()),
    );
    expect(lines(up.out())).toHaveLength(1);
  });

  test('waits longer each time, up to a limit', async () => {
    const up = await rig.start({ request: { json: true }, times: { restartFirstMs: 50, restartLastMs: 150, stableMs: 600_000 } });
    let {
      pids: { pool_managerd: pid },
    } = await readyOf(up);
    for (let nth = 1; nth <= 4; nth += 1) {
      process.kill(pid, 'SIGKILL');
      ({ pid } = await eventOf(up, 'start', 'pool-managerd', nth));
      await eventually(`it listens again, ${nth}`, WAIT_MS, async () => up.err().split('pool-managerd listens again').length === nth + 1);
    }
    expect(waitsOf(up)).toEqual([50, 100, 150, 150]);
  });

  test('waits no longer than the first time once it ran for long', async () => {
    const up = await rig.start({ request: { json: true }, times: { restartFirstMs: 50, stableMs: 200 } });
    let {
      pids: { pool_managerd: pid },
    } = await readyOf(up);
    for (let nth = 1; nth <= 2; nth += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      process.kill(pid, 'SIGKILL');
      ({ pid } = await eventOf(up, 'start', 'pool-managerd', nth));
      await eventually(`it listens again, ${nth}`, WAIT_MS, async () => up.err().split('pool-managerd listens again').length === nth + 1);
    }
    expect(waitsOf(up)).toEqual([50, 50]);
  });

  test('before it listened for the first time ends corral up, with its last words and its code for a wrong configuration', async () => {
    const up = await rig.start({ standIn: { orchestratord: { failWith: { code: 2, text: 'invalid configuration: addr' } } } });
    expect([await up.exited, up.out(), (await up.events()).length]).toEqual([2, '', 1]);
    expect(up.err()).toMatch(
      /orchestratord: invalid configuration: addr\n[\s\S]*orchestratord ended before it listened \(exit code 2\)\nnext: correct what orchestratord names above/,
    );
  });

  test('the second one likewise, and the first is ended', async () => {
    const up = await rig.start({ standIn: { 'pool-managerd': { failWith: { code: 1, text: 'no room' } } } });
    expect(await up.exited).toBe(1);
    const [orchestratord] = await up.events();
    expect(up.err()).toContain('pool-managerd ended before it listened (exit code 1)');
    await nothingLeft(orchestratord?.pid ?? 0);
  });

  test('after it listened, and before it answered, is waited for', async () => {
    const up = await rig.start({
      request: { json: true },
      times: { restartFirstMs: 20 },
      standIn: { orchestratord: { dieOnce: await rig.path('died') } },
    });
    await readyOf(up);
    expect((await up.events()).map(({ name }) => name)).toEqual(['orchestratord', 'orchestratord', 'pool-managerd']);
  });

  test('one that listens and never answers ends corral up', async () => {
    const up = await rig.start({ times: { healthyWithinMs: 2_000 }, standIn: { 'pool-managerd': { sick: true } } });
    expect([await up.exited, up.out()]).toEqual([1, '']);
    expect(up.err()).toMatch(/pool-managerd listens but does not answer \/health: .* answered 500.*\nnext: corral logs/);
    await nothingLeft(...(await up.events()).map(({ pid }) => pid));
  });
});

describe('what is taken', () => {
  test.each([
    ['port', 'orchestratord', '--port'],
    ['poolPort', 'pool-managerd', '--pool-port'],
  ] as const)('a port that another program has: %s', async (key, name, flag) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const up = await rig.start({ request: { [key]: port } });
    expect([await up.exited, await up.events()]).toEqual([1, []]);
    expect(up.err()).toContain(
      `port ${port} for ${name} is taken by another program (127.0.0.1:${port})\nnext: stop that one, or choose another port with ${flag} N`,
    );
    other.close();
  });

  test('a state directory that another corral up has', async () => {
    const first = await rig.start({ request: { json: true } });
    await readyOf(first);
    const second = await rig.start({ request: { json: true } });
    expect([await second.exited, await second.events()]).toEqual([1, []]);
    expect(second.err()).toContain(
      `another corral up (pid ${first.pid}) uses the state directory ${first.stateDir}\nnext: stop it with kill ${first.pid}`,
    );
    first.kill('SIGTERM');
    expect(await first.exited).toBe(143);
    expect(await readFile(join(first.stateDir, 'up.json'), 'utf8').catch((error: NodeJS.ErrnoException) => error.code)).toBe('ENOENT');
  });

  test('what a killed one left is taken over, once its daemons are gone', async () => {
    const first = await rig.start({ request: { json: true } });
    const { pids, listener_url: url } = await readyOf(first);
    first.kill('SIGKILL');
    const second = await rig.start({ request: { json: true, port: Number(new URL(url).port) } });
    await readyOf(second);
    expect(await aliveOf([pids.orchestratord, pids.pool_managerd])).toEqual([]);
  });

  test("a lock that cannot be read is nobody's, and one of a pid that another process has now is stale", async () => {
    const stateDir = await rig.path('state');
    await mkdir(stateDir, { recursive: true });
    for (const text of ['', JSON.stringify({ pid: process.pid, start: '1', daemons: {} })]) {
      await writeFile(join(stateDir, 'up.json'), text);
      const up = await rig.start({ request: { json: true, stateDir } });
      await readyOf(up);
      up.kill('SIGTERM');
      expect(await up.exited).toBe(143);
    }
  });
});

describe('--config', () => {
  test('P-63 both read their sections of one file, and corral up its addresses', async () => {
    const path = await rig.path('corral.yaml');
    await writeFile(path, 'orchestratord:\n  addr: 127.0.0.2:0\npool_managerd:\n  addr: 127.0.0.1:0\n');
    const up = await rig.start({ request: { json: true, configPath: path, port: undefined, poolPort: undefined } });
    const ready = await readyOf(up);
    expect(ready.listener_url).toMatch(/^http:\/\/127\.0\.0\.2:/);
    expect((await up.events()).map(({ args }) => args)).toEqual([
      ['--config', path],
      ['--config', path],
    ]);
  });

  test.each([
    ['orchestratord: {}\naddr: x\n', / line 2: addr is no section; there are orchestratord: and pool_managerd:/],
    ['- 1\n', /must hold the sections/],
    ['a: [\n', / line \d: /],
  ])('P-61 P-63 what is no section is refused with its line: %j', async (text, said) => {
    const path = await rig.path('corral.yaml');
    await writeFile(path, text);
    const up = await rig.start({ request: { configPath: path } });
    expect([await up.exited, await up.events()]).toEqual([2, []]);
    expect(up.err()).toMatch(said);
  });
});

describe('--ask', () => {
  test('P-02 the answer goes to standard output, the rest to standard error, and --once ends', async () => {
    const up = await rig.start({ request: { ask: 'Capital of Japan?', once: true }, standIn: { pools: [aPool()], tasks: [answer] } });
    expect([await up.exited, up.out()]).toEqual([0, 'Tokyo\n']);
    expect(up.err()).toMatch(/^starting orchestratord\nstarting pool-managerd\nboth daemons are up \(.*\)\n$/);
    await nothingLeft(...(await up.events()).map(({ pid }) => pid));
  });

  test('with --json: ready, answer, nothing else', async () => {
    const up = await rig.start({
      request: { ask: 'Capital of Japan?', once: true, json: true },
      standIn: { pools: [aPool()], tasks: [answer] },
    });
    expect(await up.exited).toBe(0);
    expect(lines(up.out())).toEqual([expect.objectContaining({ event: 'ready' }), { event: 'answer', text: 'Tokyo' }]);
  });

  test('without --once it stays, and says how to go on', async () => {
    const up = await rig.start({ request: { ask: 'Capital of Japan?' }, standIn: { pools: [aPool()], tasks: [answer] } });
    const [, url] = await eventually('the address', WAIT_MS, async () => /^API +(http:\S+) /m.exec(up.err()));
    const [curl] = await eventually('the example', WAIT_MS, async () => /^curl -s .*$/m.exec(up.err()));
    expect(curl).toContain(`${url}/v1/chat/completions`);
    expect(up.out()).toBe('Tokyo\n');
    up.kill('SIGINT');
    expect(await up.exited).toBe(130);
  });

  test('J-07 a load that takes longer than the server waits is waited for', async () => {
    const step = {
      id: 's',
      kind: 'model_fetch',
      group: 'smollm2',
      description: '',
      estimated_ms: null,
      bytes_total: 100,
      bytes_done: 50,
      status: 'running',
    };
    const slow = [{ type: 'metrics', prep: [step] }, ...refused('LOAD_TIMEOUT', 'smollm2 is still loading')];
    const up = await rig.start({
      request: { ask: 'Capital of Japan?', once: true },
      standIn: { pools: [aPool()], tasks: [slow, slow, answer] },
    });
    expect([await up.exited, up.out()]).toEqual([0, 'Tokyo\n']);
    expect(up.err()).toMatch(/fetching smollm2: 50 B of 100 B \(50 %\)\n[\s\S]*smollm2 is still loading\n/);
  });

  const none = aPool({ ready: false, device: 'none', last_error: 'no GPU can be used; start with --allow-cpu' });
  const unready = { pools: [none], tasks: [refused('POOL_UNREADY', 'no pool is ready: no GPU can be used; start with --allow-cpu')] };

  test('J-06 what does not heal ends --once with exit code 1 and the message', async () => {
    const up = await rig.start({ request: { ask: 'Capital of Japan?', once: true, json: true }, standIn: unready });
    expect([await up.exited, lines(up.out()).length]).toEqual([1, 1]);
    expect(up.err()).toContain('no pool is ready: no GPU can be used; start with --allow-cpu\nnext: ');
  });

  test('J-06 where nothing is asked, a pool that cannot serve is named', async () => {
    const up = await rig.start({ standIn: { pools: [none] } });
    await eventually('the example', WAIT_MS, async () => /^curl -s .*$/m.test(up.err()));
    expect(up.err()).toContain('pool cpu is not ready: no GPU can be used; start with --allow-cpu\n');
  });

  test('J-06 without --once it says so and stays up', async () => {
    const up = await rig.start({ request: { ask: 'Capital of Japan?' }, standIn: unready });
    await eventually('the example', WAIT_MS, async () => /^curl -s .*$/m.test(up.err()));
    expect(up.err()).toContain(
      'corral: no pool is ready: no GPU can be used; start with --allow-cpu\n  next: start again with --allow-cpu to serve from the CPU\n',
    );
    up.kill('SIGTERM');
    expect([await up.exited, up.out()]).toEqual([143, '']);
  });
});
