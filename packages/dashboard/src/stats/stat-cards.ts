import type { PoolStats } from '@corral/contracts';

export interface StatCard {
  readonly id: keyof PoolStats;
  readonly label: string;
  /** What the number counts, for who reads it the first time. */
  readonly meaning: string;
  readonly value: string;
}

/** One card for each number of the stats, in a fixed order; dashes until they are known. [B-120] */
export function statCards(stats: PoolStats | null): readonly StatCard[] {
  return CARDS.map((card) => ({ ...card, value: stats === null ? '–' : shown(card.id, stats[card.id]) }));
}

const CARDS: readonly Omit<StatCard, 'value'>[] = [
  { id: 'total_instances', label: 'Instances', meaning: 'of all organisations' },
  { id: 'hot_tier_count', label: 'Hot', meaning: 'in device memory' },
  { id: 'warm_tier_count', label: 'Warm', meaning: 'staged in host RAM' },
  { id: 'cold_tier_count', label: 'Cold', meaning: 'on disk, or not yet fetched' },
  { id: 'demand_tier_count', label: 'On demand', meaning: 'loaded when asked for' },
  { id: 'shared_model_count', label: 'Models', meaning: 'distinct, loaded or staged' },
  { id: 'shared_bundle_count', label: 'Engines', meaning: 'builds that run them' },
  { id: 'memory_estimate_mb', label: 'Memory', meaning: 'device and host RAM together' },
];

function shown(id: keyof PoolStats, value: number): string {
  if (id !== 'memory_estimate_mb') return value.toLocaleString('en-US');
  return value < 10_000 ? `${value.toLocaleString('en-US')} MiB` : `${(value / 1_024).toFixed(1)} GiB`;
}
