import { expect, test } from '@jest/globals';
import { ensureNeeds } from './needs.mjs';

const need = (what, isThere) => ({ what, why: `a test runs ${what}`, debian: [], isThere: async () => isThere });

test('I-11 needs that are met ask for nothing', async () => {
  await expect(ensureNeeds([need('cat', true), need('dog', true)])).resolves.toBeUndefined();
});

test('I-11 a need that cannot be met fails with its name and its reason', async () => {
  await expect(ensureNeeds([need('cat', true), need('unicorn', false)])).rejects.toThrow(
    'the tests need what is missing here:\n  unicorn: a test runs unicorn\ninstall it, then run this again',
  );
});
