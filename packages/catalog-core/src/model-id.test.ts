import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { modelIdOfSegment, parseModelId } from './model-id.js';

test('D-06 an id becomes one file name that says what it was', () => {
  expect(parseModelId('hf:org/repo/m (1).gguf')).toEqual({
    kind: 'id',
    id: 'hf:org/repo/m (1).gguf',
    segment: 'hf%3Aorg%2Frepo%2Fm%20%281%29.gguf',
  });
});

test.each(['', ' tiny', 'a/../b', '..', './x', 'a\\..\\b', 'a\nb', '\ud800', 'x'.repeat(241)])(
  'D-06 T-66 the id %.30s is refused with advice',
  (id) => {
    expect(parseModelId(id)).toEqual({ kind: 'refused', message: expect.stringContaining('; ') });
    expect(modelIdOfSegment(id)).toBeNull();
  },
);

test('D-06 a segment never leaves its directory and always leads back to its id', () => {
  const piece = fc.oneof(fc.constantFrom('..', '/', '.', '\\', '%2F', '%', ':', '~'), fc.string({ unit: 'binary', maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const parsed = parseModelId(pieces.join(''));
      if (parsed.kind === 'refused') return;
      expect(parsed.segment).toMatch(/^[A-Za-z0-9_%-][A-Za-z0-9_.%-]{0,239}$/);
      expect(modelIdOfSegment(parsed.segment)).toBe(parsed.id);
    }),
    { numRuns: 2_000 },
  );
});
