import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BindingRecord } from '@corral/contracts';
import { eventually } from '@corral/test-kit';
import { call, tiny, type Tiny } from '../served.js';
import { opened, startReloadable, type Reloadable } from './reloadable.js';

const LONG = 900_000;
const STREAMS = 32;
const RELOADS = 50;
const ROUTES = ['alpha', 'beta'] as const;
/** Edits that turn the routes, each unlike any other; of the third model they change nothing. */
const TURNS = [1_001, 1_002] as const;
/** In a small heap a leak shows, and nothing else does; twenty reloads that keep their manifest are more than this. */
const SMALL_HEAP = '--max-old-space-size=96 --max-semi-space-size=2';
const SLACK_BYTES = 24 * 1024 * 1024;

type Route = (typeof ROUTES)[number];

interface Taken {
  readonly route: Route;
  /** What the answer names; `null` where it names none. */
  readonly version: number | null;
  /** The version that served before the request was sent, and the newest that can have been there when its status came. */
  readonly from: number;
  readonly until: number;
  readonly status: number;
  readonly text: string;
  readonly failure: string | null;
}

let models: readonly Tiny[] = [];
let served: Reloadable;

beforeAll(async () => {
  models = [await tiny({ endless: true, chain: ['a', 'b'] }), await tiny({ endless: true, chain: ['c', 'd'] }), await tiny({ endless: true, seed: 3 })];
  served = await startReloadable({ manifest: manifestOf(0), env: { NODE_OPTIONS: SMALL_HEAP, DEMAND_LOAD_WAIT_MS: '180000' } });
}, LONG);

afterAll(async () => {
  await served?.stop();
  for (const model of models) await model.remove();
}, LONG);

/** Each edit turns the routes to the other model and is like no other one; some also change a model that is loaded. */
function manifestOf(edit: number): object {
  const at = (n: number, extra: object = {}): object => ({ ...models[n]?.model, context: 512, slots: 8, ...extra });
  return {
    version: 1,
    models: { one: at(0), two: at(1), third: at(2, { slots: 1 + (Math.floor(edit / 10) % 2) }) },
    routes: { alpha: { model: modelOf('alpha', edit), ttl_s: 10_000 + edit }, beta: { model: modelOf('beta', edit), ttl_s: 10_000 + edit }, rare: { model: 'third', ttl_s: 1 } },
  };
}

function modelOf(route: Route, edit: number): 'one' | 'two' {
  return (edit + ROUTES.indexOf(route)) % 2 === 0 ? 'one' : 'two';
}

const BROKEN = ['version: 1\nmodels: [', 'version: 1\nroutes:\n  alpha: { model: nothing }\n', '{"version": 1, "quantum": 3}'] as const;

/** The versions that serve, as far as the one who reloads knows; `coming` while a reload is under way that makes another. */
class Versions {
  readonly #now = new Map<Route, number>();
  readonly #model = new Map<string, string>();
  #isChanging = false;

  async learn(): Promise<void> {
    for (const { id, version, state, handler } of (await served.status()).bindings) {
      this.#model.set(`${id}@${version}`, handler);
      for (const route of ROUTES) if (id === `route:${route}` && state === 'active') this.#now.set(route, version);
    }
    this.#isChanging = false;
  }

  changing(): void {
    this.#isChanging = true;
  }

  of(route: Route): number {
    return this.#now.get(route) ?? 0;
  }

  newest(route: Route): number {
    return this.of(route) + (this.#isChanging ? 1 : 0);
  }

  modelOf(route: Route, version: number): string | undefined {
    return this.#model.get(`route:${route}@${version}`);
  }
}

async function stream(route: Route, versions: Versions, tokens = 20 + Math.floor(Math.random() * 40)): Promise<Taken> {
  const from = versions.of(route);
  const running = await opened(served.url, { model: route, max_tokens: tokens });
  const until = versions.newest(route);
  const { text, failure } = await running.end;
  return { route, version: running.route === null ? null : Number(running.route.split('@')[1]), from, until, status: running.status, text, failure };
}

async function residentBytes(): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${served.corral.ready.pids.orchestratord}/status`, 'utf8'))?.[1]) * 1_024;
}

const bindings = async (): Promise<readonly BindingRecord[]> => (await served.status()).bindings;

/** Asked once. */
async function askedRare(): Promise<string> {
  const { status, body } = await call(served.url, 'POST', '/v1/completions', { model: 'rare', prompt: 'x', max_tokens: 4 });
  return status === 200 ? 'answered' : `${status} ${JSON.stringify(body)}`;
}

test('T-260 C-264 C-265 C-266 two models that stream hold every place and their routes have turned: a request for a third waits and is answered, and none fails', async () => {
  const versions = new Versions();
  await versions.learn();
  const taken: Taken[] = [];
  let isOver = false;
  // Long enough that whoever makes room takes its time, and of many lengths, so that no model is idle in between.
  const clients = Array.from({ length: STREAMS / 2 }, async (_, n) => {
    while (!isOver) taken.push(await stream(ROUTES[n % 2] ?? 'alpha', versions, 200 + n * 16));
  });
  const both = (): boolean => ROUTES.every((route) => taken.some((one) => one.route === route && one.version === versions.of(route)));
  const answers: string[] = [];
  for (const edit of TURNS) {
    await served.serve(manifestOf(edit));
    await versions.learn();
    await eventually('both stream by their new routes', LONG, async () => both());
    answers.push(await askedRare());
  }
  isOver = true;
  await Promise.all(clients);
  expect(answers).toEqual(TURNS.map(() => 'answered'));
  expect(taken.filter(({ status, failure }) => status !== 200 || failure !== null)).toEqual([]);
}, LONG);

test(`T-248 F-01 F-05 G-46 ${STREAMS} streams without a pause and ${RELOADS} reloads: none fails, each has its version, and nothing is left`, async () => {
  const versions = new Versions();
  await versions.learn();
  const taken: Taken[] = [];
  let isOver = false;
  const clients = Array.from({ length: STREAMS }, async (_, n) => {
    while (!isOver) taken.push(await stream(ROUTES[n % 2] ?? 'alpha', versions));
  });
  const loads: Promise<string>[] = [];
  const ends: string[] = [];
  let middleBytes = 0;
  for (let n = 1; n <= RELOADS; n += 1) {
    const broken = n % 3 === 0 ? BROKEN[(n / 3) % BROKEN.length] : undefined;
    if (n % 10 === 5) {
      // It left a second after its last use, and is loaded while the next reloads come.
      loads.push(askedRare());
    }
    await served.write(broken ?? manifestOf(n));
    versions.changing();
    const { status, body } = await served.reload();
    await versions.learn();
    ends.push(`${status} ${body.status}`);
    expect([n, status, body.error ?? null]).toEqual([n, broken === undefined ? 200 : 500, broken === undefined ? null : expect.any(String)]);
    // Reloads come while streams run and begin, however slow the machine is.
    const before = taken.length;
    await eventually('streams go on', 120_000, async () => taken.length >= before + ROUTES.length * 2);
    if (n === RELOADS / 2) middleBytes = await residentBytes();
  }
  isOver = true;
  await Promise.all(clients);
  expect(await Promise.all(loads)).toEqual(loads.map(() => 'answered'));
  expect(ends.filter((end) => end === '200 ok').length).toBe(RELOADS - Math.floor(RELOADS / 3));

  expect(taken.filter(({ status, failure }) => status !== 200 || failure !== null)).toEqual([]);
  expect(taken.filter(({ version, from, until }) => version === null || version < from || version > until)).toEqual([]);
  const wrote = { one: /^[ab]+$/, two: /^[cd]+$/ } as const;
  expect(taken.filter(({ route, version, text }) => !(wrote[(versions.modelOf(route, version ?? 0) ?? '') as 'one' | 'two'] ?? /^$/).test(text))).toEqual([]);
  expect(new Set(taken.map(({ version }) => version)).size).toBeGreaterThan(RELOADS / 4);

  await eventually('nothing is in flight, and what was replaced has ended', 120_000, async () => (await bindings()).every(({ in_flight: inFlight, state }) => inFlight === 0 && (state === 'active' || state === 'terminated')));
  const kept = new Map<string, number>();
  for (const { id, state } of await bindings()) if (state === 'terminated') kept.set(id, (kept.get(id) ?? 0) + 1);
  expect([...kept.values()].filter((count) => count > 2)).toEqual([]);
  expect(Math.max(SLACK_BYTES, (await residentBytes()) - middleBytes)).toBe(SLACK_BYTES);
}, LONG);
