import type { VersionGroup } from './placement-decision.js';
import type { PoolSnapshot } from './placement-input.js';

/**
 * Groups the pools of one replica set by engine and sampler profile version, smallest version first.
 *
 * Pools of different engines are different sets, each with versions of its own. A version that is not reported is a version of its own: what is unknown cannot be promised to be equal. One group
 * or none means that the set is sound.
 */
export function versionGroups(pools: readonly PoolSnapshot[]): readonly VersionGroup[] {
  const engines = [...new Set(pools.map(({ engine }) => engine))].sort();
  return engines.flatMap((engine) => groupsOf(pools.filter((pool) => pool.engine === engine)));
}

function groupsOf(pools: readonly PoolSnapshot[]): readonly VersionGroup[] {
  const first = pools[0];
  if (first === undefined || pools.every((pool) => isSameVersion(pool, first))) return [];

  const groups = new Map<string, { engineVersion: string; samplerProfileVersion: string | null; poolIds: Set<string> }>();
  for (const { poolId, engineVersion, samplerProfileVersion = null } of pools) {
    const key = JSON.stringify([engineVersion, samplerProfileVersion]);
    const group = groups.get(key) ?? { engineVersion, samplerProfileVersion, poolIds: new Set<string>() };
    groups.set(key, group);
    group.poolIds.add(poolId);
  }
  return [...groups.keys()].sort().flatMap((key) => {
    const group = groups.get(key);
    return group === undefined ? [] : [{ ...group, poolIds: [...group.poolIds].sort() }];
  });
}

function isSameVersion(a: PoolSnapshot, b: PoolSnapshot): boolean {
  return a.engineVersion === b.engineVersion && a.samplerProfileVersion === b.samplerProfileVersion;
}
