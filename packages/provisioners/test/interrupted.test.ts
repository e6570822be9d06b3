import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startHub } from '@corral/test-kit';
import type { Hub, HubFault } from '@corral/test-kit';
import { openCatalog } from '@corral/catalog-core/fs';
import { isProvisionError } from '../src/index.js';
import { aFetchingShop, QUICK, someBytes } from './a-fetching-shop.js';
import { digestOf } from './a-wheel.js';

const SIZE = 400_000;
const VERSIONS = [someBytes(SIZE, 1), someBytes(SIZE, 2), someBytes(SIZE - 1_000, 3)] as const;
const INTERRUPTIONS = 20;

/** What meets one request: a fault of the connection, another version under the same address, or both. */
interface Trouble {
  readonly fault: HubFault;
  readonly version: number | null;
}

/** Twenty times so little is less than the file. */
const fewBytes = fc.integer({ min: 0, max: SIZE / 10 });
const shiftBytes = fc.integer({ min: -SIZE, max: SIZE });
const honest: fc.Arbitrary<HubFault> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('cut' as const), afterBytes: fewBytes }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wrong_range' as const), shiftBytes }) },
  { weight: 3, arbitrary: fc.constantFrom<HubFault>({ kind: 'ignore_range' }, { kind: 'ignore_if_range' }, { kind: 'no_length' }, { kind: 'status', status: 503 }) },
);
/** What only a digest can tell. */
const lie: fc.Arbitrary<HubFault> = fc.oneof(
  fc.record({ kind: fc.constant('short_length' as const), bytes: fc.integer({ min: 1, max: SIZE }) }),
  fc.record({ kind: fc.constant('lying_range' as const), shiftBytes }),
);
const troubles = (fault: fc.Arbitrary<HubFault>): fc.Arbitrary<readonly Trouble[]> =>
  fc.array(
    fc.record({
      fault: fc.tuple(fault, fewBytes, fc.nat(9)).map(([one, cutAfterBytes, chance]) => (chance === 0 ? one : { ...one, cutAfterBytes })),
      version: fc.option(fc.constantFrom(0, 0, 0, 1, 2), { freq: 2 }),
    }),
    { minLength: INTERRUPTIONS, maxLength: INTERRUPTIONS },
  );
const scenario = fc.oneof(
  fc.record({ isVerified: fc.constant(true), troubles: troubles(fc.oneof({ weight: 4, arbitrary: honest }, { weight: 1, arbitrary: lie })) }),
  fc.record({ isVerified: fc.boolean(), troubles: troubles(honest) }),
);
const DIGESTS: readonly string[] = VERSIONS.map(digestOf);

describe('D-51 D-23 a fetch interrupted 20 times at random ends in the right bytes or a clear error, never in a mix', () => {
  test.each([
    ['one connection', 1],
    ['four connections', 4],
  ])('%s', async (_, connections) => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ troubles: list, isVerified }) => {
        const shop = await aFetchingShop({ web: { ...QUICK, connections, segmentBytes: 40_000, checkpointBytes: 16_384 } });
        try {
          shop.hub.put('m.gguf', VERSIONS[0]);
          const left = [...list];
          let lies = false;
          shop.hub.misbehave(({ range }) => {
            const next = left.shift();
            if (next === undefined) return null;
            // Replaced while it is being sent: what comes next is of another version.
            if (next.version !== null) setImmediate(() => shop.hub.put('m.gguf', VERSIONS[next.version as 0]));
            lies ||= next.fault.kind === 'short_length' || (next.fault.kind === 'lying_range' && range !== null);
            return next.fault;
          });
          const request = { modelId: 'tiny', sources: [`${shop.hub.url}/m.gguf`], digest: isVerified ? digestOf(VERSIONS[0]) : null };
          for (let calls = 0; ; calls += 1) {
            if (left.length === 0) shop.hub.put('m.gguf', VERSIONS[0]);
            const end = await shop.provisioner.ensurePresent(request).catch((error: unknown) => error);
            if (isProvisionError(end)) {
              expect([end.code, end.message]).toEqual([expect.stringMatching(/^(UNREACHABLE|FETCH_FAILED|DIGEST_MISMATCH)$/), expect.stringMatching(/; /)]);
              // Bytes that are of no version at all come only from a server that lies.
              if (end.code === 'DIGEST_MISMATCH' && !lies) expect(DIGESTS).toContain(/has the digest (sha256:\w+)/.exec(end.message)?.[1]);
              expect((await shop.files()).visible).toEqual([]);
              expect(calls).toBeLessThan(3 * INTERRUPTIONS);
              continue;
            }
            const { entry } = end as Awaited<ReturnType<typeof shop.provisioner.ensurePresent>>;
            const got = await readFile(entry.localPath);
            expect(isVerified ? DIGESTS.slice(0, 1) : DIGESTS).toContain(digestOf(got));
            expect(await shop.files()).toEqual({ visible: ['catalog.json', `sha256-${entry.digest.slice(7)}`], partial: [] });
            return;
          }
        } finally {
          await shop.end();
        }
      }),
      { numRuns: 25, seed: 20_261_121, endOnFailure: true },
    );
  }, 600_000);
});

describe('D-50 kill -9', () => {
  const running: ChildProcess[] = [];
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) await kill(child);
    for (const undo of cleanUp.splice(0)) await undo();
  });

  /** More than all interrupted rounds together can bring, so that each one has something to interrupt. */
  const BYTES = someBytes(36_000_000);

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async function aServedFile(): Promise<{ readonly hub: Hub; readonly models: string }> {
    const hub = await startHub();
    const dir = await mkdtemp(join(tmpdir(), 'corral-killed-'));
    cleanUp.push(() => hub.close(), () => rm(dir, { recursive: true }));
    hub.put('m.gguf', BYTES);
    return { hub, models: join(dir, 'models') };
  }

  /** A process of its own that makes the model present, and says what came of it. */
  function start(hub: Hub, models: string, connections: number): ChildProcess {
    if (!existsSync(fileURLToPath(new URL('../dist/index.js', import.meta.url)))) throw new Error('build first with "tsc -b"');
    const wish = { models, source: `${hub.url}/m.gguf`, digest: digestOf(BYTES), web: { ...QUICK, connections, segmentBytes: 200_000, checkpointBytes: 65_536 } };
    const child = fork(fileURLToPath(new URL('fetch-once.mjs', import.meta.url)), [JSON.stringify(wish)], { execArgv: [], env: { PATH: process.env['PATH'], NODE_OPTIONS: '' } });
    running.push(child);
    return child;
  }

  test.each([
    ['one connection', 1],
    ['four connections', 4],
  ])('D-24 20 times in the middle of a download, %s: then one file, whole, and nothing else', async (_, connections) => {
    const { hub, models } = await aServedFile();
    const places = fc.sample(fc.integer({ min: 0, max: 400_000 }), { numRuns: INTERRUPTIONS, seed: 50 + connections });
    for (const afterBytes of places) {
      const stalled = new Promise<void>((resolve) => hub.misbehave(() => ({ kind: 'stall', afterBytes, onStall: resolve })));
      const child = start(hub, models, connections);
      const end = await Promise.race([stalled.then(() => 'stalled'), once(child, 'message').then(([message]) => message as unknown)]);
      expect(end).toBe('stalled');
      await new Promise((resolve) => setTimeout(resolve, afterBytes % 40));
      await kill(child);
      expect((await readdir(models)).filter((name) => name.startsWith('sha256-') || name === 'catalog.json')).toEqual([]);
    }
    const before = hub.requests.length;
    hub.misbehave(() => null);
    const last = start(hub, models, connections);
    const [message] = (await once(last, 'message')) as [{ readonly code: string; readonly bytes: number; readonly digest: string }];
    await once(last, 'exit');
    expect(message).toEqual({ code: 'present', digest: digestOf(BYTES), bytes: expect.any(Number) });
    expect(message.bytes).toBeLessThan(BYTES.length);
    expect(hub.requests.slice(before).every(({ status }) => status === 206)).toBe(true);
    expect((await readdir(models)).sort()).toEqual(['.lock', '.partial', 'catalog.json', `sha256-${digestOf(BYTES).slice(7)}`]);
    expect([await readdir(join(models, '.partial')), await readdir(join(models, '.lock'))]).toEqual([[], []]);
    expect((await readFile(join(models, `sha256-${digestOf(BYTES).slice(7)}`))).equals(BYTES)).toBe(true);
  }, 600_000);

  test('D-07 D-24 a second process does not come near what the first one writes', async () => {
    const { hub, models } = await aServedFile();
    const stalled = new Promise<void>((resolve) => hub.misbehave(() => ({ kind: 'stall', afterBytes: 300_000, onStall: resolve })));
    const first = start(hub, models, 1);
    await stalled;
    await expect(openCatalog(models)).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining(`process ${first.pid};`) });
    const second = start(hub, models, 1);
    const [message] = (await once(second, 'message')) as [unknown];
    expect(message).toEqual({ code: 'LOCKED' });
    await kill(first);
    hub.misbehave(() => null);
    const [end] = (await once(start(hub, models, 1), 'message')) as [unknown];
    expect(end).toMatchObject({ code: 'present' });
  });
});
