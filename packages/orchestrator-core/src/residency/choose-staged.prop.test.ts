import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseStaged, STAGING_REASONS, type StagingWish } from './choose-staged.js';

const wish = (key: string, over: Partial<StagingWish> = {}): StagingWish => ({ key, file: key, sizeBytes: 4, because: 'leftover', lastUsedMs: 0, ...over });

test('C-73 tier before queue before pin before what may come back, then the latest use; one file takes room once', () => {
  const wishes = [wish('left', { lastUsedMs: 9 }), wish('pin', { because: 'pinned' }), wish('queue', { because: 'waiting' }), wish('warm', { because: 'warm' })];
  expect([...chooseStaged(wishes, 8)]).toEqual(['warm', 'queue']);
  expect([...chooseStaged([wish('old', { lastUsedMs: 1 }), wish('new', { lastUsedMs: 2 })], 4)]).toEqual(['new']);
  expect([...chooseStaged([wish('a', { file: 'f' }), wish('b', { file: 'f' })], 4)]).toEqual(['a', 'b']);
  expect([...chooseStaged([wish('big', { because: 'warm', sizeBytes: 9 }), wish('small')], 8)]).toEqual(['small']);
  expect([...chooseStaged([wish('a', { file: 'f' })], 0, new Set(['f']))]).toEqual(['a']);
});

test('C-73 never over the room, and nothing is left out that a weaker or older wish made room impossible for', () => {
  const any = fc.uniqueArray(
    fc.record({ key: fc.stringMatching(/^[a-z]$/), file: fc.constantFrom('f', 'g', 'h', 'i'), because: fc.constantFrom(...STAGING_REASONS), lastUsedMs: fc.nat(4) }),
    { selector: ({ key }) => key, maxLength: 10 },
  );
  const sizes: Readonly<Record<string, number>> = { f: 1, g: 2, h: 3, i: 5 };
  fc.assert(
    fc.property(any, fc.nat(12), (drawn, roomBytes) => {
      const wishes = drawn.map((one) => ({ ...one, sizeBytes: sizes[one.file] ?? 0 }));
      const chosen = chooseStaged(wishes, roomBytes);
      const taken = (list: readonly StagingWish[]) => [...new Set(list.map(({ file }) => file))].reduce((sum, file) => sum + (sizes[file] ?? 0), 0);
      expect(taken(wishes.filter(({ key }) => chosen.has(key)))).toBeLessThanOrEqual(roomBytes);
      const rank = ({ because }: StagingWish) => STAGING_REASONS.indexOf(because);
      for (const one of wishes.filter(({ key }) => !chosen.has(key))) {
        const before = wishes.filter((other) => chosen.has(other.key) && (rank(other) < rank(one) || (rank(other) === rank(one) && other.lastUsedMs >= one.lastUsedMs)));
        expect(taken([...before, one])).toBeGreaterThan(roomBytes);
      }
      expect(chooseStaged(wishes.toReversed(), roomBytes)).toEqual(chosen);
    }),
  );
});
