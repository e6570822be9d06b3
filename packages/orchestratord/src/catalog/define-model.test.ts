import { describe, expect, test } from '@jest/globals';
import { ApiError } from '@corral/contracts';
import { definedModel, idOf, patchedModel } from './define-model.js';

const call = { isStrict: false, nowMs: 7 };
const digest = `sha256:${'A'.repeat(64)}`;

function refusal(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error instanceof ApiError ? [error.code, error.details.field, error.message] : error;
  }
  return null;
}

describe('a registration', () => {
  test('B-91 names its sources in canonical form, each once, and its digest in lower case', () => {
    const model = definedModel({ id: 'm', source_url: 'file:///models//m.gguf', ref: '/models/m.gguf', sources: ['HF:org/repo/m.gguf'], digest, tags: ['x'] }, call);
    expect(model).toEqual({
      modelId: 'm', origin: 'api', sources: ['file:/models/m.gguf', 'hf:org/repo/m.gguf'], digest: digest.toLowerCase(), context: 2_048, slots: 4, pinned: false, pinOverride: null, state: 'Active',
      retiredAtMs: null, drainUntilMs: null, tags: ['x'], trust: { policy: null, signatures: [], sbom: null, manifests: [], warnings: ['it has neither signature nor SBOM'] },
      verification: null, lastVerifiedMs: null, createdMs: 7, updatedMs: 7, removedAtMs: null,
    });
  });

  test('B-91 without a source the id is one where it can be, else a node has to have the file', () => {
    expect([definedModel({ id: 'hf:org/repo/m.gguf' }, call).sources, definedModel({ id: 'm' }, call).sources]).toEqual([['hf:org/repo/m.gguf'], []]);
  });

  test('D-08 a reference that is its own id gets its canonical form as id', () => {
    expect([idOf({ id: 'HF:org/repo/m.gguf@main', ref: 'HF:org/repo/m.gguf@main' }), idOf({ id: 'HF', ref: 'file:/m.gguf' })]).toEqual(['hf:org/repo/m.gguf', 'HF']);
  });

  test.each([
    [{ id: 'a/../b' }, 'id', 'plain name'],
    [{ id: 'a b' }, 'id', 'choose another one'],
    [{ id: 'm', source_url: 's3://bucket/m.gguf' }, 'source_url', 'use hf:'],
    [{ id: 'm', sources: ['file:/a.gguf', 'what:ever'] }, 'sources.1', 'unknown scheme'],
    [{ id: 'm', digest: 'sha512:00' }, 'digest', 'write sha256:'],
  ])('B-91 %j is refused at its field with the next step', (body, field, next) => {
    expect(refusal(() => definedModel(body, call))).toEqual(['INVALID_PARAMS', field, expect.stringContaining(next)]);
  });
});

test('B-91 a patch changes what it names, and only a change of the definition makes it the call\'s own', () => {
  const before = { ...definedModel({ id: 'm', source_url: 'file:/m.gguf' }, call), origin: 'node' as const };
  expect(patchedModel(before, { tags: ['y'] }, { ...call, nowMs: 9 })).toEqual({ ...before, tags: ['y'], updatedMs: 9 });
  expect(patchedModel(before, { context: 512, digest: null }, { ...call, nowMs: 9 })).toMatchObject({ origin: 'api', context: 512, slots: 4, sources: ['file:/m.gguf'] });
});
