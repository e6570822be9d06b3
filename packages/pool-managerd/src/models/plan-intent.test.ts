import { describe, expect, test } from '@jest/globals';
import type { CatalogEntry } from '@corral/catalog-core';
import type { CatalogIntent } from '@corral/contracts';
import { planIntent } from './plan-intent.js';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;

function anEntry(id: string, over: Partial<CatalogEntry> = {}): CatalogEntry {
  return {
    id, refs: [], digest: DIGEST, localPath: '/m.gguf', external: true, sizeBytes: 1, modifiedMs: 1, lifecycle: 'Active', verification: { result: 'pass', reason: '' }, digestGiven: true,
    lastVerifiedMs: 1, createdMs: 100, lastUsedMs: null, retiredAtMs: null, pinned: false, tags: [], facts: null, factsKey: null, ...over,
  };
}

const wanted = (model_id: string, over: Partial<CatalogIntent> = {}): CatalogIntent => ({ model_id, digest: null, sources: [], state: 'Active', pinned: false, retired_at_ms: null, ...over });

function planned(entries: readonly CatalogEntry[], models: readonly CatalogIntent[], takenAtMs = 200) {
  return planIntent(entries, { orchestratorIncarnation: 'o1', version: 1, takenAtMs, models: new Map(models.map((model) => [model.model_id, model])) });
}

describe('planIntent', () => {
  test('D-61 entries as wanted, and those that nobody named, stay as they are', () => {
    expect(planned([anEntry('a'), anEntry('own', { pinned: true, lifecycle: 'Retired', retiredAtMs: 3 })], [wanted('a'), wanted('elsewhere')])).toEqual({ changes: [], removals: [] });
  });

  test('D-61 state, retirement time and pin follow, each way', () => {
    const plan = planned([anEntry('a'), anEntry('b', { lifecycle: 'Retired', retiredAtMs: 5, pinned: true }), anEntry('c', { lifecycle: 'Retired', retiredAtMs: 5 })], [
      wanted('a', { state: 'Retired', retired_at_ms: 7, pinned: true }),
      wanted('b'),
      wanted('c', { state: 'Retired', retired_at_ms: 6 }),
    ]);
    expect(plan).toEqual({
      changes: [
        { modelId: 'a', lifecycle: 'Retired', retiredAtMs: 7, pinned: true, digestGiven: true },
        { modelId: 'b', lifecycle: 'Active', retiredAtMs: null, pinned: false, digestGiven: true },
        { modelId: 'c', lifecycle: 'Retired', retiredAtMs: 6, pinned: false, digestGiven: true },
      ],
      removals: [],
    });
  });

  test('D-61 a retirement without a time keeps the one that the entry has, else begins when the intent came', () => {
    const plan = planned([anEntry('a', { lifecycle: 'Retired', retiredAtMs: 5 }), anEntry('b')], [wanted('a', { state: 'Retired' }), wanted('b', { state: 'Retired' })]);
    expect(plan.changes).toEqual([{ modelId: 'b', lifecycle: 'Retired', retiredAtMs: 200, pinned: false, digestGiven: true }]);
  });

  test('D-10 D-61 an operator who gives the digest that the file has makes a verification mean something', () => {
    const plan = planned([anEntry('a', { digestGiven: false }), anEntry('b', { digestGiven: false })], [wanted('a', { digest: DIGEST }), wanted('b', { digest: `sha256:${'b'.repeat(64)}` })]);
    expect(plan.changes).toEqual([{ modelId: 'a', lifecycle: 'Active', retiredAtMs: null, pinned: false, digestGiven: true }]);
  });

  test('D-61 a removed model goes with the bytes that were removed, unless it came anew', () => {
    const removed = (id: string, digest: CatalogIntent['digest'] = null) => wanted(id, { state: 'Removed', digest });
    const entries = [anEntry('a', { pinned: true }), anEntry('b'), anEntry('other-bytes'), anEntry('anew', { createdMs: 201 })];
    expect(planned(entries, [removed('a'), removed('b', DIGEST), removed('other-bytes', `sha256:${'b'.repeat(64)}`), removed('anew')])).toEqual({ changes: [], removals: ['a', 'b'] });
  });
});
