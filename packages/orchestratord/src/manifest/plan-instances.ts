import { compared } from '../instances/instance-changes.js';
import { instanceKeyOf } from '../instances/instance-registry.js';
import type { InstanceDefinition, InstanceKey, InstanceRecord } from '../store/instance-rows.js';

/** What has to change so that the manifest's instances are as it says. */
export interface InstancesPlan {
  readonly create: readonly InstanceDefinition[];
  readonly change: readonly InstanceDefinition[];
  readonly remove: readonly InstanceKey[];
  /** Defined in the manifest and made by a call before: those stay as the call made them. */
  readonly taken: readonly InstanceKey[];
}

/**
 * Compares the instances of the manifest with those that exist. What the manifest made follows it and goes with it;
 * what calls made is left alone, and so is whether somebody has suspended an instance. Pure. [B-154]
 */
export function planInstances(wanted: readonly InstanceDefinition[], existing: readonly InstanceRecord[]): InstancesPlan {
  const known = new Map(existing.filter(({ kind }) => kind === 'explicit').map((record) => [instanceKeyOf(record), record]));
  const named = new Set(wanted.map(instanceKeyOf));
  const pairs = wanted.map((definition) => ({ definition, record: known.get(instanceKeyOf(definition)) }));
  return {
    create: pairs.flatMap(({ definition, record }) => (record === undefined ? [definition] : [])),
    change: pairs.flatMap(({ definition, record }) => {
      if (record === undefined || record.origin !== 'manifest') return [];
      const kept = { ...definition, status: record.status };
      return compared(record, kept).isSame ? [] : [kept];
    }),
    remove: [...known.values()].filter((record) => record.origin === 'manifest' && !named.has(instanceKeyOf(record))).map(({ orgId, instanceId }) => ({ orgId, instanceId })),
    taken: pairs.flatMap(({ definition: { orgId, instanceId }, record }) => (record !== undefined && record.origin !== 'manifest' ? [{ orgId, instanceId }] : [])),
  };
}
