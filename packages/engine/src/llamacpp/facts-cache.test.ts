import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { GgufFileInfo } from 'node-llama-cpp';
import { completeInfo, cutInfo } from './cut-info.js';
import { openFactsFolder, recall, remember, rememberedPath } from './facts-cache.js';
import type { RememberedFile } from './remembered-file.js';

const dir = mkdtempSync(join(tmpdir(), 'corral-facts-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const model = join(dir, 'model.gguf');
writeFileSync(model, 'weights');

const key = { fingerprint: 'node-llama-cpp-1', digest: `sha256:${'ab'.repeat(32)}`, deviceKind: 'cpu', batchTokens: 512 } as const;
const fit = { baseBytes: 1, perCellBytes: 2 };
const file: RememberedFile = { key: { ...key, sizeBytes: 7 }, info: { version: 3 } as unknown as GgufFileInfo, gpuLayers: 0, weights: { mapped: { cpuRam: 1, gpuVram: 0 }, copied: { cpuRam: 2, gpuVram: 0 } }, context: { batchTokens: 512, cpuRam: fit, gpuVram: fit } };
const folderOf = (name: string): string => {
  const folder = join(dir, name);
  openFactsFolder(folder);
  return folder;
};

describe('what is remembered of a file', () => {
  test('C-152 it is found again for this file, engine, device and batch size only', () => {
    const folder = folderOf('found');
    const path = rememberedPath(folder, key) ?? '';
    const isWritten = remember(folder, path, file);
    const other = join(dir, 'larger.gguf');
    writeFileSync(other, 'more weights');
    const misses = [
      recall(path, other, key),
      recall(path, join(dir, 'gone.gguf'), key),
      recall(join(folder, 'gone.json'), model, key),
      recall(path, model, { ...key, fingerprint: 'node-llama-cpp-2' }),
      recall(path, model, { ...key, digest: `sha256:${'cd'.repeat(32)}` }),
      recall(path, model, { ...key, deviceKind: 'vulkan' }),
      recall(path, model, { ...key, batchTokens: 256 }),
    ];
    expect([isWritten, recall(path, model, key), ...misses]).toEqual([true, file, null, null, null, null, null, null, null]);
  });

  test('C-152 a file that is cut, changed in one byte or no memory at all is none', () => {
    const folder = folderOf('broken');
    const path = rememberedPath(folder, key) ?? '';
    remember(folder, path, file);
    const text = readFileSync(path, 'utf8');
    const broken = ['', '{}', text.slice(0, -10), text.replace('"perCellBytes":2', '"perCellBytes":3'), text.split('\n')[0] ?? '', 'x'.repeat(1_000)];
    expect(broken.map((each) => (writeFileSync(path, each), recall(path, model, key)))).toEqual(broken.map(() => null));
  });

  test('C-152 a digest is never a path, and a cache that is gone is no error', () => {
    expect([rememberedPath(dir, { ...key, digest: '../../etc:passwd' }), rememberedPath(dir, { ...key, digest: '' })]).toEqual([null, null]);
    expect([remember(join(dir, 'gone'), join(dir, 'gone/x.json'), file), openFactsFolder(join(model, 'below a file'))]).toEqual([false, false]);
  });

  test('C-155 the oldest files leave a cache that is full', () => {
    const folder = folderOf('full');
    for (let n = 0; n < 1_030; n += 1) {
      writeFileSync(join(folder, `${n}.json`), '');
      utimesSync(join(folder, `${n}.json`), n, n);
    }
    remember(folder, join(folder, 'new.json'), file);
    const left = readdirSync(folder);
    expect([left.length, left.includes('6.json'), left.includes('7.json'), left.includes('new.json')]).toEqual([1_024, false, true, true]);
  });
});

test('C-152 a header is kept without the lists that are only counted, and completed again', () => {
  const tokens = Array.from({ length: 300 }, (_, n) => `t${n}`);
  const metadata = { general: { architecture: 'llama' }, llama: { block_count: 2, heads: [1, 2] }, tokenizer: { ggml: { tokens } } };
  const whole = { version: 3, metadata, architectureMetadata: metadata.llama, tensorInfo: [{ name: 'a' }], fullTensorInfo: [{ name: 'a' }], sourceData: [{}], source: { type: 'path', path: '/old' } };
  expect(completeInfo(cutInfo(whole as unknown as GgufFileInfo), '/new')).toEqual({
    ...whole,
    metadata: { ...metadata, tokenizer: { ggml: { tokens: { length: 300 } } } },
    source: { type: 'path', path: '/new' },
    sourceData: [],
  });
});
