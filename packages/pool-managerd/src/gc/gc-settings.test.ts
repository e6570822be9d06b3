import { expect, test } from '@jest/globals';
import { loadConfig } from '@corral/service-kit';
import { configSpec } from '../config.js';
import { gcPolicyOf } from './gc-settings.js';

const configOf = (gc: object) => loadConfig(configSpec, { file: { name: 'corral.yaml', value: { gc }, lineOf: () => undefined }, environment: {} });

test('D-30 the defaults keep what is active, and whoever sets one keeps the others', () => {
  expect(gcPolicyOf(configOf({}).gc)).toEqual({ maxDiskUsagePercent: 90, minFreeBytes: 5_000_000_000, rules: { keepActive: true, keepUsedWithinMs: 7 * 86_400_000, deleteRetiredAfterMs: 30 * 86_400_000 } });
  expect(configOf({ min_free_gb: 0.5 }).gc).toMatchObject({ max_disk_usage_percent: 90, min_free_gb: 0.5, interval_s: 3_600 });
});

test.each<[object, RegExp]>([
  [{ max_disk_usage_percent: 101 }, /gc\.max_disk_usage_percent/],
  [{ min_free_gb: -1 }, /gc\.min_free_gb/],
  [{ interval_s: 0.5 }, /gc\.interval_s/],
  [{ max_disk_percent: 80 }, /gc\.max_disk_percent/],
  [{ retention_rules: 'KeepActive' }, /gc\.retention_rules/],
  [{ retention_rules: ['KeepActive', { KeepUsed: { days: 7 } }] }, /gc\.retention_rules\.1: "KeepUsed" is no rule; write KeepActive/],
])('D-30 %j is refused with its field', (gc, message) => {
  expect(() => configOf(gc)).toThrow(message);
});
