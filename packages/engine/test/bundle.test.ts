import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build, type Plugin } from 'esbuild';

const pluginsFile = new URL('../bundle-plugins.mjs', import.meta.url).href;

let dir = '';
let plugins: Plugin[] = [];
beforeAll(async () => {
  plugins = Object.values((await import(pluginsFile)) as Record<string, Plugin>);
  dir = await mkdtemp(join(tmpdir(), 'corral-bundle-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const READS = 'export async function readGgufFileInfo(path) { return path; }\n';
const SEARCHES = 'export async function getLlama() { return 1; }\nexport const other = 2;\n';

/** A node-llama-cpp of two files, and an entry that uses both. */
async function bundled(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(dir, name);
  for (const [path, text] of Object.entries({ 'entry.js': "import { readGgufFileInfo } from './node_modules/node-llama-cpp/dist/gguf/readGgufFileInfo.js';\nimport { getLlama } from './node_modules/node-llama-cpp/dist/bindings/getLlama.js';\nexport { readGgufFileInfo, getLlama };\n", ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const { outputFiles } = await build({ absWorkingDir: root, entryPoints: ['entry.js'], bundle: true, write: false, format: 'esm', logLevel: 'silent', plugins });
  return outputFiles[0]?.text ?? '';
}
const inPackage = (reads: string, searches: string) => ({ 'node_modules/node-llama-cpp/dist/gguf/readGgufFileInfo.js': reads, 'node_modules/node-llama-cpp/dist/bindings/getLlama.js': searches });

describe('the worker in one file', () => {
  test('C-152 who reads a header is asked for a memory of it first', async () => {
    const path = join(dir, 'asked.mjs');
    await writeFile(path, await bundled('whole', inPackage(READS, SEARCHES)));
    const { readGgufFileInfo, getLlama } = (await import(path)) as { readGgufFileInfo(path: string): Promise<unknown>; getLlama(): unknown };
    const asked: string[] = [];
    const plain = await readGgufFileInfo('a');
    Object.assign(globalThis, { corralReadGguf: async (each: string, read: () => Promise<unknown>) => asked.push(each) > 1 ? 'remembered' : [await read()] });
    expect([plain, await readGgufFileInfo('b'), await readGgufFileInfo('c'), asked]).toEqual(['a', ['b'], 'remembered', ['b', 'c']]);
    Object.assign(globalThis, { corralReadGguf: undefined });
    expect(getLlama).toThrow('does not look for binaries');
  });

  test('C-152 a version of the engine that reads elsewhere does not build', async () => {
    await expect(bundled('moved', inPackage('export const readGgufFileInfo = async (path) => path;\n', SEARCHES))).rejects.toThrow('readGgufFileInfo was not found');
    await expect(bundled('searches', inPackage(READS, 'export { getLlama } from "./elsewhere.js";\n'))).rejects.toThrow('getLlama was not found');
    await expect(bundled('gone', { ...inPackage(READS, SEARCHES), 'entry.js': 'export const nothing = 1;\n' })).rejects.toThrow('is not in the bundle');
  });
});
