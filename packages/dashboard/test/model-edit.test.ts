import { aCatalogModel } from '@corral/test-kit';
import { expect, test } from '@jest/globals';
import { refusal } from '../src/api/api-failure.js';
import { modelChanges } from '../src/catalog/model-changes.js';
import { editFieldOf, editFields, editOutcome, editText } from '../src/catalog/model-edit.js';

const registered = aCatalogModel({ origin: 'api', tags: ['chat'], context: 2_048, slots: 4 });

test('U-30 what somebody else changed is said, before and after', () => {
  const now = { ...registered, state: 'Retired' as const, pinned: true, tags: ['chat', 'small'], context: 4_096, digest: null };
  expect(modelChanges(registered, now)).toEqual([
    { what: 'State', before: 'Active', now: 'Retired' },
    { what: 'Pinned', before: 'no', now: 'yes' },
    { what: 'Tags', before: 'chat', now: 'chat, small' },
    { what: 'Digest', before: registered.digest, now: 'none' },
    { what: 'Tokens per slot', before: '2,048', now: '4,096' },
  ]);
  expect(modelChanges(registered, { ...registered, updated_ms: 9, availability: [] })).toEqual([]);
});

test('U-33 a save sends the touched fields that differ, and no other', () => {
  expect(editOutcome(registered, {})).toEqual({ kind: 'same' });
  expect(editOutcome(registered, { tags: 'chat ', slots: '4' })).toEqual({ kind: 'same' });
  expect(editOutcome(registered, { tags: 'a, b a', slots: '8' })).toEqual({ kind: 'patch', patch: { tags: ['a', 'b'], slots: 8 } });
  expect(editOutcome(registered, { sources: 'hf:o/r/f.gguf\n\n https://h/f.gguf ', digest: '', context: ' 512 ' })).toEqual({ kind: 'patch', patch: { sources: ['hf:o/r/f.gguf', 'https://h/f.gguf'], digest: null, context: 512 } });
});

test('U-33 what somebody else changed meanwhile is not taken back by a field that nobody touched', () => {
  const now = { ...registered, context: 8_192, tags: ['theirs'] };
  expect(editOutcome(now, { slots: '2' })).toEqual({ kind: 'patch', patch: { slots: 2 } });
  expect(editText(now, 'context')).toBe('8192');
});

test('U-33 a number that is none is said at its field', () => {
  expect(editOutcome(registered, { tags: 'x', context: 'many' })).toEqual({ kind: 'wrong', field: 'context', message: 'Enter a whole number.' });
});

test.each([
  ['manifest', ['tags']],
  ['starter', ['tags']],
  ['api', ['tags', 'sources', 'digest', 'context', 'slots']],
  ['node', ['tags', 'sources', 'digest', 'context', 'slots']],
] as const)('U-33 of a model from %s what is defined elsewhere is not changed here', (origin, fields) => {
  expect(editFields(aCatalogModel({ origin }))).toEqual(fields);
  expect(editOutcome(aCatalogModel({ origin, slots: 4 }), { slots: '9' }).kind).toBe(fields.length === 1 ? 'same' : 'patch');
});

test.each([
  ['sources.1', 'sources'],
  ['digest', 'digest'],
  ['trust_policy', null],
  [undefined, null],
])('U-33 a refusal about %s stands at %s', (field, shown) => {
  expect(editFieldOf(refusal(400, { code: 'INVALID_PARAMS', message: 'no', field }, null))).toBe(shown);
});
