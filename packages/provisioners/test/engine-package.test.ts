import { execFileSync } from 'node:child_process';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { aPlace, metadata, prebuiltFiles, writeFiles } from './a-prebuilt.js';
import type { Place } from './a-prebuilt.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function place(...args: Parameters<typeof aPlace>): Promise<Place> {
  const made = await aPlace(...args);
  cleanUp.push(made.remove);
  return made;
}

const steps = (id?: string) => {
  const phases: string[] = [];
  return { phases, options: { id, signal: new AbortController().signal, step: ({ phase }: { readonly phase: string }) => phases.at(-1) !== phase && phases.push(phase) } };
};
const ownFiles = async (folder: string): Promise<readonly string[]> => (await readdir(folder)).toSorted();

describe('D-25 mode package', () => {
  test('D-11 D-20 an unpacked package is copied, digested and registered', async () => {
    const { engines, store, folder } = await place();
    const { phases, options } = steps('mine');
    const entry = await engines.addPackage(await writeFiles(join(folder, 'package'), prebuiltFiles()), options);
    expect(entry).toEqual({
      id: 'mine',
      engine: 'llamacpp',
      version: '3.22.1',
      buildRef: 'v0.5.0',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      buildFlags: ['GGML_X=ON'],
      artifacts: ['_nlcBuildMetadata.json', 'libggml.so', 'llama-addon.node'].map((path) => ({ path, sizeBytes: expect.any(Number), digest: expect.stringMatching(/^sha256:/) })),
      createdMs: expect.any(Number),
      mode: 'package',
      location: join(folder, 'engines', 'mine'),
      inPlace: false,
      deviceKinds: ['cpu'],
      chosenFor: [],
      gain: null,
      verification: { result: 'warn', reason: expect.any(String) },
      lastVerifiedMs: expect.any(Number),
      state: 'Active',
      retiredAtMs: null,
      pinned: false,
      lastUsedMs: null,
    });
    expect([phases, store.list(), await ownFiles(entry.location), await readdir(join(store.dir, '.partial'))]).toEqual([['copying', 'registering'], [entry], ['_nlcBuildMetadata.json', 'libggml.so', 'llama-addon.node'], []]);
  });

  test('D-25 a tarball of npm holds the same, and its id comes from what is in it', async () => {
    const { engines, folder } = await place();
    await writeFiles(join(folder, 't', 'package'), prebuiltFiles());
    execFileSync('tar', ['-czf', join(folder, 'p.tgz'), '-C', join(folder, 't'), 'package']);
    const fromTarball = await engines.addPackage(join(folder, 'p.tgz'), steps().options);
    const fromFolder = await engines.addPackage(join(folder, 't', 'package'), steps('other').options);
    expect([fromTarball.digest, fromTarball.id]).toEqual([fromFolder.digest, `llamacpp-3.22.1-cpu-${fromTarball.digest?.slice(7, 15)}`]);
  });

  test.each([
    ['D-72 another version', { 'package.json': '{"name":"@node-llama-cpp/linux-x64","version":"3.22.0"}' }, /has version 3\.22\.0 and this program runs 3\.22\.1 alone; add/],
    ['D-72 sources of another release', { 'bins/linux-x64/_nlcBuildMetadata.json': metadata({ llamaCpp: { release: 'v9' } }) }, /is of llama\.cpp v9 and this program needs v0\.5\.0/],
    ['another machine', { 'bins/linux-x64/_nlcBuildMetadata.json': metadata({ arch: 'arm64' }) }, /is for linux arm64 and this machine is linux x64/],
    ['another package', { 'package.json': '{"name":"left-pad","version":"3.22.1"}' }, /holds the package "left-pad"; give one/],
    ['no package', { 'package.json': null }, /the version of the build is not known; give/],
    ['no native binary', { 'bins/linux-x64/llama-addon.node': null }, /has no llama-addon\.node below bins\/; it is not whole/],
    ['no word of the build', { 'bins/linux-x64/_nlcBuildMetadata.json': 'x' }, /cannot be read/],
  ])('D-25 refused, with nothing left: %s', async (_, changes, message) => {
    const { engines, store, folder } = await place();
    const path = await writeFiles(join(folder, 'package'), prebuiltFiles(changes));
    await expect(engines.addPackage(path, steps().options)).rejects.toThrow(message);
    expect([store.list(), await ownFiles(store.dir), await readdir(join(store.dir, '.partial'))]).toEqual([[], ['.lock', '.partial'], []]);
  });

  test('D-25 a link, a torn tarball, a relative or a missing path, and an id that is taken are refused', async () => {
    const { engines, store, folder } = await place();
    const path = await writeFiles(join(folder, 'package'), prebuiltFiles());
    await engines.addPackage(path, steps('a').options);
    await expect(engines.addPackage(path, steps('a').options)).rejects.toMatchObject({ code: 'INVALID_REQUEST', message: expect.stringMatching(/there is an engine "a" already/) });
    await expect(engines.addPackage(path, steps('../a').options)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(engines.addPackage('package', steps().options)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expect(engines.addPackage(join(folder, 'none'), steps().options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await writeFile(join(folder, 'torn.tgz'), 'not a tarball');
    await expect(engines.addPackage(join(folder, 'torn.tgz'), steps().options)).rejects.toMatchObject({ code: 'DAMAGED' });
    await symlink('/etc/hostname', join(path, 'bins', 'linux-x64', 'libodd.so'));
    await expect(engines.addPackage(path, steps().options)).rejects.toMatchObject({ code: 'INVALID_SOURCE', message: expect.stringMatching(/libodd\.so is no plain file/) });
    expect(store.list().map(({ id }) => id)).toEqual(['a']);
  });

  test('D-71 an add that is called off leaves nothing', async () => {
    const { engines, store, folder } = await place();
    const controller = new AbortController();
    const adding = engines.addPackage(await writeFiles(join(folder, 'package'), prebuiltFiles()), { signal: controller.signal, step: ({ phase }) => phase === 'registering' && controller.abort(new Error('called off')) });
    await expect(adding).rejects.toThrow('called off');
    expect([store.list(), await readdir(join(store.dir, '.partial'))]).toEqual([[], []]);
  });
});

describe('D-70 what came with the program', () => {
  test('D-70 it is registered where it lies, once, and again when its files are others', async () => {
    const { folder, store } = await place();
    const at = join(await writeFiles(join(folder, 'package'), prebuiltFiles()), 'bins', 'linux-x64');
    const { engines } = await place({ store, builtIn: [{ deviceKind: 'cpu', folder: at, buildRef: 'v0.5.0' }] });
    await engines.registerBuiltIn();
    const [first] = store.list();
    expect([first?.id, first?.location, first?.inPlace, store.list().length]).toEqual(['llamacpp-3.22.1-cpu', at, true, 1]);
    await engines.registerBuiltIn();
    expect(store.get('llamacpp-3.22.1-cpu')).toBe(first);
    await writeFile(join(at, 'libggml.so'), 'another library');
    await engines.registerBuiltIn();
    expect(store.get('llamacpp-3.22.1-cpu')?.digest).not.toBe(first?.digest);
  });
});

describe('D-76 verify', () => {
  test('D-76 pass while its files are those that were registered, else fail with the file', async () => {
    const { engines, folder, store } = await place();
    const entry = await engines.addPackage(await writeFiles(join(folder, 'package'), prebuiltFiles()), steps('a').options);
    expect((await engines.verify('a', steps().options)).verification).toEqual({ result: 'pass', reason: 'its files are those that were registered' });
    await writeFile(join(entry.location, 'libggml.so'), 'librarx');
    expect((await engines.verify('a', steps().options)).verification).toEqual({ result: 'fail', reason: 'libggml.so is another file; remove the bundle and add it again' });
    expect(store.get('a')?.verification.result).toBe('fail');
    await expect(engines.verify('x', steps().options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
