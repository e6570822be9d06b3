import { expect, test } from '@jest/globals';
import { parseRetentionRules } from './retention-rules.js';

const DAY_MS = 86_400_000;

test('D-31 rules are read in any order, days may be fractions', () => {
  expect(parseRetentionRules(['KeepActive', 'KeepPinned', { KeepRecentlyUsed: { days: 0.5 } }, { DeleteRetired: { after_days: 30 } }])).toEqual({
    kind: 'rules',
    rules: { keepActive: true, keepUsedWithinMs: DAY_MS / 2, deleteRetiredAfterMs: 30 * DAY_MS },
  });
  expect(parseRetentionRules([{ DeleteRetired: { after_days: 0 } }])).toEqual({ kind: 'rules', rules: { keepActive: false, keepUsedWithinMs: null, deleteRetiredAfterMs: 0 } });
  expect(parseRetentionRules([])).toEqual({ kind: 'rules', rules: { keepActive: false, keepUsedWithinMs: null, deleteRetiredAfterMs: null } });
});

test.each<[unknown, number | null, RegExp]>([
  ['KeepActive', null, /is no list; write \[/],
  [['KeepActiv'], 0, /"KeepActiv" is no rule; write KeepActive/],
  [['KeepActive', 'KeepRecentlyUsed'], 1, /needs its days; write \{KeepRecentlyUsed: \{days: 7\}\}/],
  [[{ KeepActive: {} }], 0, /takes nothing; write KeepActive/],
  [[{ DeleteRetired: { days: 3 } }], 0, /write \{DeleteRetired: \{after_days: 7\}\}/],
  [[{ DeleteRetired: { after_days: -1 } }], 0, /from 0 to/],
  [[{ KeepRecentlyUsed: { days: NaN } }], 0, /from 0 to/],
  [[{ KeepRecentlyUsed: { days: '7' } }], 0, /from 0 to/],
  [[{ KeepRecentlyUsed: { days: 7, hours: 1 } }], 0, /from 0 to/],
  [[{ KeepRecentlyUsed: { days: 7 }, DeleteRetired: { after_days: 7 } }], 0, /is no rule/],
  [[{}], 0, /is no rule/],
  [[null], 0, /is no rule/],
  [['toString'], 0, /is no rule/],
  [['KeepPinned', 'KeepPinned'], 1, /twice/],
])('D-30 %j is refused with what to write instead', (list, index, message) => {
  expect(parseRetentionRules(list)).toEqual({ kind: 'refused', problems: [{ index, message: expect.stringMatching(message) }] });
});
