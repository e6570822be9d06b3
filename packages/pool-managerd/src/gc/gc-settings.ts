import { parseRetentionRules } from '@corral/catalog-core';
import type { GcPolicy } from '@corral/catalog-core';
import type { ConfigProblem, Frozen } from '@corral/service-kit';
import { Type, type Static } from '@sinclair/typebox';

const GB = 1_000_000_000;

/** Settings of the garbage collection. [D-30] */
export const gcSettings = Type.Object(
  {
    max_disk_usage_percent: Type.Number({ minimum: 0, maximum: 100, default: 90, description: 'Above this the disk of the models directory is too full: what no rule keeps is deleted, least recently used first.' }),
    min_free_gb: Type.Number({ minimum: 0, default: 5, description: 'The same below so many free GB (10^9 bytes).' }),
    interval_s: Type.Integer({ minimum: 0, maximum: 2_000_000, default: 3_600, description: 'From one pass to the next; 0 = only before fetches that need room, and when an operator asks.' }),
    retention_rules: Type.Array(Type.Unknown(), {
      default: ['KeepActive', 'KeepPinned', { KeepRecentlyUsed: { days: 7 } }, { DeleteRetired: { after_days: 30 } }],
      description: 'What stays whatever the disk says, and how long retired models and engines stay; days may be fractions. What is pinned or in use stays in any case.',
    }),
  },
  { additionalProperties: false },
);

export type GcSettings = Frozen<Static<typeof gcSettings>>;

/** What is wrong with the settings beyond their types. [D-30] */
export function gcProblems({ retention_rules }: Pick<GcSettings, 'retention_rules'>): readonly ConfigProblem[] {
  const parsed = parseRetentionRules(retention_rules);
  if (parsed.kind === 'rules') return [];
  return parsed.problems.map(({ index, message }) => ({ field: index === null ? 'gc.retention_rules' : `gc.retention_rules.${index}`, message }));
}

/** The settings as a plan takes them; throws for rules that {@link gcProblems} complains of. */
export function gcPolicyOf({ max_disk_usage_percent: maxDiskUsagePercent, min_free_gb, retention_rules }: Omit<GcSettings, 'interval_s'>): GcPolicy {
  const parsed = parseRetentionRules(retention_rules);
  if (parsed.kind === 'refused') throw new Error(`gc.retention_rules: ${parsed.problems.map(({ message }) => message).join('; ')}`);
  return { maxDiskUsagePercent, minFreeBytes: min_free_gb * GB, rules: parsed.rules };
}
