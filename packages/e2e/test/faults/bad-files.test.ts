import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeTinyModel } from '@corral/test-kit';
import { call } from '../served.js';
import { completed, streamed } from './answers.js';
import { atRest, poolsAt, startSystem, type System } from './served-system.js';

let dir: string;
let system: System;

const model = (path: string, extra: object = {}): object => ({ source: `file:${path}`, context: 512, slots: 2, ...extra });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-bad-'));
  const at = (name: string): string => join(dir, name);
  await writeTinyModel(at('good.gguf'), { endless: true, contextTokens: 4_096 });
  await writeFile(at('magic.gguf'), 'this is no model');
  await writeTinyModel(at('header.gguf'));
  await truncate(at('header.gguf'), 5_000);
  const { sizeBytes } = await writeTinyModel(at('short.gguf'));
  await truncate(at('short.gguf'), sizeBytes - 100_000);
  // The parser of the engine ends its process over this one.
  await writeTinyModel(at('abort.gguf'), {}, { 'llama.attention.head_count': { u32: 0 } });
  await writeTinyModel(at('digest.gguf'), { seed: 9 });
  system = await startSystem({
    models: {
      good: model(at('good.gguf'), { context: 4_096 }),
      magic: model(at('magic.gguf')),
      header: model(at('header.gguf')),
      short: model(at('short.gguf')),
      abort: model(at('abort.gguf')),
      digest: model(at('digest.gguf'), { digest: `sha256:${'0'.repeat(64)}` }),
    },
  });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await rm(dir, { recursive: true, force: true });
});

describe('a model file that is wrong', () => {
  test.each([
    ['magic', /magic|not a GGUF|no GGUF/i],
    ['header', /header|truncated|load|read|end/i],
    ['short', /load|truncated|short|bounds/i],
    ['abort', /abort|ended/i],
    ['digest', /sha256:0000/],
  ])('T-210 T-62 D-23 %s.gguf fails with the reason, while another model goes on serving', async (name, reason) => {
    const beside = streamed(system.corral.url, { model: 'good', prompt: 'x', max_tokens: 60 });
    const answer = await call(system.corral.url, 'POST', '/v1/completions', { model: name, prompt: 'x', max_tokens: 2 });
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'MODEL_NOT_AVAILABLE', message: expect.stringMatching(reason) } } });
    expect(await beside).toMatchObject({ status: 200, chunks: 60, isDone: true });
    expect((await stat(join(dir, `${name}.gguf`))).isFile()).toBe(true);
    expect((await poolsAt(system.corral.poolUrl)).flatMap((pool) => pool.replicas).filter((replica) => replica.model_id === name && replica.state === 'resident')).toEqual([]);
    await atRest(system);
  }, 600_000);

  test('T-210 D-23 what was refused is in no catalog, and what is right still serves', async () => {
    expect((await completed(system.corral.url, { model: 'good', prompt: 'x', max_tokens: 3 })).length).toBeGreaterThan(0);
    const index = await readFile(join(system.corral.stateDir, 'models', 'catalog.json'), 'utf8');
    expect(index).not.toMatch(/digest\.gguf|magic\.gguf/);
  });
});
