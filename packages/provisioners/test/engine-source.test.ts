import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { aliveOf, eventually } from '@corral/test-kit';
import type { EngineSources } from '../src/engine/plan-build.js';
import { aPlace, writeFiles } from './a-prebuilt.js';
import type { Place } from './a-prebuilt.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** Programs that stand for git, cmake and compilers: the faults of real ones, in milliseconds. */
const TOOLS = {
  git: 'case " $* " in *" clone "*) mkdir -p "$6" ;; esac',
  cmake: 'case "$1" in --build) echo "[1/2] Building a"; echo "[2/2] Linking"; mkdir -p "$2/bin"; echo native > "$2/llama-addon.node"; echo lib > "$2/bin/libggml.so"; cut -d" " -f19 /proc/self/stat > "$2/bin/nice.so" ;; esac',
  'c++': '',
  cc: '',
  ninja: '',
};

async function aWorkshop(changes: Readonly<Partial<Record<keyof typeof TOOLS, string | null>>> = {}): Promise<Place> {
  const base = await aPlace();
  cleanUp.push(base.remove);
  const bin = join(base.folder, 'bin');
  await mkdir(bin);
  for (const [name, script] of Object.entries({ ...TOOLS, ...changes })) {
    if (script === null) continue;
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  for (const name of ['nice', 'mkdir', 'cut', 'sleep', 'cat', 'sh']) {
    await writeFile(join(bin, name), `#!/bin/sh\nexec /usr/bin/${name} "$@"\n`);
    await chmod(join(bin, name), 0o755);
  }
  const nlc = await writeFiles(join(base.folder, 'nlc'), { 'CMakeLists.txt': 'x', 'addon/a.cpp': 'x', 'cmake/a': 'x', 'profiles/a': 'x', 'toolchains/a': 'x', 'package.json': '{}', 'addon-api/package.json': '{}' });
  const sources: EngineSources = { folder: nlc, gitBundle: join(nlc, 'b'), patches: [], nodeHeaders: nlc, nodeAddonApi: join(nlc, 'addon-api') };
  const made = await aPlace({ store: base.store, sources, env: { PATH: bin } });
  cleanUp.push(made.remove);
  return { ...made, folder: base.folder, store: base.store };
}

const watched = (signal = new AbortController().signal, id?: string) => {
  const seen: (readonly [string, number | null])[] = [];
  return { seen, options: { id, signal, step: ({ phase, fraction }: { readonly phase: string; readonly fraction: number | null }) => void seen.push([phase, fraction]) } };
};

describe('D-78 a local build', () => {
  test('D-25 D-78 runs its steps at the lowest priority, tells how far it is, and is registered with its flags', async () => {
    const { engines, store } = await aWorkshop();
    const { seen, options } = watched(undefined, 'local');
    const entry = await engines.addSource(1, options);
    expect([entry.id, entry.mode, entry.deviceKinds, entry.buildFlags.includes('GGML_NATIVE=ON'), entry.artifacts.map(({ path }) => path)]).toEqual(['local', 'source', ['cpu'], true, ['_nlcBuildMetadata.json', 'libggml.so', 'llama-addon.node', 'nice.so']]);
    expect((await readFile(join(entry.location, 'nice.so'), 'utf8')).trim()).toBe('19');
    expect([...new Set(seen.map(([phase]) => phase))]).toEqual(['unpacking', 'configuring', 'compiling', 'copying', 'registering']);
    expect(seen.filter(([phase]) => phase === 'compiling').at(-1)).toEqual(['compiling', 1]);
    expect(await readdir(join(store.dir, '.partial'))).toEqual([]);
  });

  test('D-78 what is missing is said at once, all of it', async () => {
    const { engines } = await aWorkshop({ cmake: null, 'c++': null });
    await expect(engines.addSource(1, watched().options)).rejects.toMatchObject({ code: 'TOOL_MISSING', message: expect.stringMatching(/needs cmake, c\+\+ or g\+\+ or clang\+\+, which are not in PATH; install it \(Debian: apt install cmake g\+\+\)/) });
    const bare = await aPlace();
    cleanUp.push(bare.remove);
    await expect(bare.engines.addSource(1, watched().options)).rejects.toMatchObject({ code: 'TOOL_MISSING', message: expect.stringMatching(/sources of the engine are not/) });
  });

  test('D-78 a compiler that fails leaves nothing but its last words', async () => {
    const { engines, store } = await aWorkshop({ cmake: 'case "$1" in --build) echo "a.cpp:1: error: no" >&2; exit 2 ;; esac' });
    await expect(engines.addSource(1, watched().options)).rejects.toMatchObject({ code: 'FETCH_FAILED', message: expect.stringMatching(/failed while compiling \(exit code 2\): a\.cpp:1: error: no; mend/) });
    expect([store.list(), await readdir(join(store.dir, '.partial'))]).toEqual([[], []]);
  });

  test('D-78 one that is called off ends with all that it started', async () => {
    const { engines, folder, store } = await aWorkshop({ cmake: 'case "$1" in --build) sh -c \'echo $$ > "$0"; sleep 600\' "$3.pid" & echo "[1/9] x"; echo $! > "$2.pid"; wait ;; esac' });
    const controller = new AbortController();
    const building = engines.addSource(1, watched(controller.signal).options);
    const partial = join(store.dir, '.partial');
    const pid = await eventually('the compiler runs', 60_000, async () => {
      const [name] = await readdir(partial).catch(() => []);
      const text = name === undefined ? '' : await readFile(join(partial, name, 'build.pid'), 'utf8').catch(() => '');
      return Number(text) || false;
    });
    controller.abort(new Error('called off'));
    await expect(building).rejects.toThrow('called off');
    await eventually('it is gone', 60_000, async () => (await aliveOf([pid])).length === 0);
    expect([store.list(), await readdir(partial), folder]).toEqual([[], [], folder]);
  });
});
