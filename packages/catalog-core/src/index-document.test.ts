import { describe, expect, test } from '@jest/globals';
import { anEntry, SMALL_FACTS } from '../test/an-entry.js';
import type { CatalogEntry } from './catalog-entry.js';
import { findEntry } from './find-entry.js';
import { decodeIndex, encodeEntry, encodeIndex } from './index-document.js';
import { noteMeasured } from './note-measured.js';

const ROOT = '/var/models';
const inside = anEntry({
  id: 'hf:org/repo/m.gguf',
  external: false,
  localPath: `${ROOT}/sha256-${'a1'.repeat(32)}`,
  lifecycle: 'Retired',
  retiredAtMs: 5,
  lastUsedMs: 4,
  pinned: true,
  tags: ['chat'],
  facts: SMALL_FACTS,
  factsKey: 'llamacpp 3.22.1',
});

function written(...entries: readonly CatalogEntry[]): string {
  return encodeIndex(entries.map((entry) => encodeEntry(entry, ROOT)));
}

test('D-03 D-05 an index is read back as it was written', () => {
  expect(decodeIndex(written(anEntry(), inside), ROOT)).toEqual({ kind: 'index', entries: [anEntry(), inside] });
  expect(decodeIndex(written(), ROOT)).toEqual({ kind: 'index', entries: [] });
});

test('D-60 what replicas took is read back as it was written', () => {
  const entry = { ...inside, facts: noteMeasured(SMALL_FACTS, 'cpu', { context: 512, slots: 2, weightsBytes: 10, contextBytes: 20 }) };
  expect(decodeIndex(written(entry), ROOT)).toEqual({ kind: 'index', entries: [entry] });
});

test('D-05 paths inside the models directory move with it', () => {
  const moved = decodeIndex(written(inside), '/mnt/other');
  expect(moved).toEqual({ kind: 'index', entries: [{ ...inside, localPath: `/mnt/other/sha256-${'a1'.repeat(32)}` }] });
});

describe('D-05 what cannot be used is named', () => {
  const spoilt = (change: (model: Record<string, unknown>) => unknown) => {
    const index = JSON.parse(written(inside)) as { models: Record<string, unknown>[] };
    return JSON.stringify({ ...index, models: index.models.map((model) => change(model)) });
  };

  test('T-65 a future version', () => {
    expect(decodeIndex('{"schema_version":2,"models":"elsewhere"}', ROOT)).toEqual({ kind: 'incompatible', found: 2 });
    expect(decodeIndex('{}', ROOT)).toEqual({ kind: 'incompatible', found: undefined });
  });

  test.each([
    ['', 'JSON'],
    ['[]', 'index is not an object'],
    ['{"schema_version":1}', 'models is not a list'],
    [written(inside).slice(0, -20), 'JSON'],
    [written(inside, inside), 'the same id'],
    [spoilt(() => null), 'models[0] is not an object'],
    [spoilt((model) => ({ ...model, id: '../x' })), 'models[0].id'],
    [spoilt((model) => ({ ...model, path: '../x' })), 'has ".." in it'],
    [spoilt((model) => ({ ...model, path: '/etc/passwd' })), 'is not relative'],
    [spoilt((model) => ({ ...model, external: true })), 'is not absolute'],
    [spoilt((model) => ({ ...model, digest: 'sha256:1' })), 'models[0].digest'],
    [spoilt((model) => ({ ...model, lifecycle: 'Draft' })), 'one of Active, Retired'],
    [spoilt((model) => ({ ...model, size_bytes: '1' })), 'size_bytes is not a number'],
    [spoilt((model) => ({ ...model, tags: [1] })), 'tags is not a list of texts'],
    [spoilt((model) => ({ ...model, pinned: 0 })), 'pinned is not true or false'],
    [spoilt((model) => ({ ...model, facts: { ...(model['facts'] as object), memory: { gpu: {} } } })), 'memory.gpu is no device kind'],
    [spoilt((model) => ({ ...model, facts: { ...(model['facts'] as object), layers: null } })), 'facts.layers is not a number'],
  ])('malformed: %.60s', (text, reason) => {
    expect(decodeIndex(text, ROOT)).toEqual({ kind: 'malformed', reason: expect.stringContaining(reason) });
  });
});

test('D-04 an entry is found by id first, then by any spelling of a reference', () => {
  const a = anEntry({ id: 'a', refs: ['pypi:some-thing==1/m.gguf', 'file:/srv/m.gguf'] });
  const b = anEntry({ id: 'file:/srv/m.gguf' });
  const entries = new Map([a, b].map((entry) => [entry.id, entry]));
  expect(
    ['a', 'file:/srv/m.gguf', '/srv//m.gguf', 'pypi:Some_Thing==1/m.gguf', 'c', ''].map((name) => findEntry(entries, name)?.id ?? null),
  ).toEqual(['a', 'file:/srv/m.gguf', 'a', 'a', null, null]);
});
