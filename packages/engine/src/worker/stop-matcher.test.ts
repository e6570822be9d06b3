import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StopMatcher } from './stop-matcher.js';

/** What each piece released, and `null` where a stop string ended the text. */
function run(stops: readonly string[], pieces: readonly string[]): (string | null)[] {
  const matcher = new StopMatcher(stops);
  const shown: (string | null)[] = [];
  for (const piece of pieces) {
    const { text, stopped } = matcher.push(piece);
    shown.push(text);
    if (stopped) return [...shown, null];
  }
  return [...shown, matcher.flush()];
}

describe('StopMatcher', () => {
  test('C-128 without stop strings text passes through', () => {
    expect(run([], ['a', 'b'])).toEqual(['a', 'b', '']);
  });

  test('C-128 a stop string is found across pieces and never shown', () => {
    expect(run(['END'], ['one E', 'N', 'D two'])).toEqual(['one ', '', '', null]);
  });

  test('C-128 text that only looked like a stop string is released', () => {
    expect(run(['END'], ['one E', 'N', 'X'])).toEqual(['one ', '', 'ENX', '']);
  });

  test('C-128 what is held at the end is flushed', () => {
    expect(run(['END'], ['one EN'])).toEqual(['one ', 'EN']);
  });

  test('C-128 of two stop strings the one that begins first ends the text', () => {
    expect(run(['bc', 'abcd'], ['xab', 'cd'])).toEqual(['x', '', null]);
    expect(run(['aab'], ['aaa', 'ab'])).toEqual(['a', 'a', null]);
  });

  test('C-128 whatever the borders of the pieces, the text is that before the first stop string', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), fc.array(letters.filter((stop) => stop !== ''), { maxLength: 3 }), (pieces, stops) => {
        const whole = pieces.join('');
        const ends = stops.map((stop) => whole.indexOf(stop)).filter((at) => at !== -1);
        const shown = run(stops, pieces);
        const stoppedEarly = shown.at(-1) === null;
        const text = shown.filter((part) => part !== null).join('');
        if (!stoppedEarly) return text === whole && ends.length === 0;
        // A stop string that is complete ends the text at once, even if a longer one that began before it might still follow.
        return stops.some((stop) => whole.startsWith(text + stop)) && !stops.some((stop) => text.includes(stop));
      }),
    );
  });
});
