import type { InstanceConfig, InstanceCreate, InstancePatch } from '@corral/contracts';
import { canonicalHash } from '../manifest/canonical-hash.js';
import type { InstanceDefinition, InstanceRecord } from '../store/instance-rows.js';
import { configHashOf } from './implicit-instance.js';

/** What a change means for whatever runs. */
export interface InstanceChange {
  readonly definition: InstanceDefinition;
  /** Nothing at all is another than before. */
  readonly isSame: boolean;
  /** Model or config are others: what is loaded has to follow. */
  readonly runsDifferently: boolean;
}

/** Ids that the server gives to the instances that it keeps itself. [F-26] */
const RESERVED = /^(route|model)(-[xhv])?\./;

/** Whether the id could be that of an instance which the server keeps for a route or a bare model. */
export function isReservedId(instanceId: string): boolean {
  return RESERVED.test(instanceId);
}

/** An instance as its creator wants it; without a tier it is cold. [C-62] */
export function createdInstance(orgId: string, { instance_id, model, name, tier, ttl_s, config = {} }: InstanceCreate, origin: 'api' | 'manifest'): InstanceDefinition {
  return { orgId, instanceId: instance_id, kind: 'explicit', name: name ?? null, status: 'active', origin, modelRef: model, tier: tier ?? 'cold', ttlS: ttl_s ?? null, config, configHash: configHashOf(config) };
}

/** The instance after a patch: what the patch leaves out stays, a key of the config that it sets to null goes. Pure. [B-122] */
export function patchedInstance(record: InstanceRecord, patch: InstancePatch): InstanceChange {
  const config = patchedConfig(record.config, patch.config ?? {});
  const definition: InstanceDefinition = {
    ...definitionOf(record),
    name: patch.name === undefined ? record.name : patch.name,
    status: patch.status ?? record.status,
    modelRef: patch.model ?? record.modelRef,
    tier: patch.tier ?? record.tier,
    ttlS: patch.ttl_s === undefined ? record.ttlS : patch.ttl_s,
    config,
    configHash: configHashOf(config),
  };
  return compared(record, definition);
}

/** What giving a record another definition means. Pure. */
export function compared(record: InstanceRecord, definition: InstanceDefinition): InstanceChange {
  return {
    definition,
    isSame: canonicalHash(definitionOf(record)) === canonicalHash(definition),
    runsDifferently: definition.configHash !== configHashOf(record.config) || definition.modelRef !== record.modelRef,
  };
}

/** The version of an instance, for `ETag` and `If-Match`: another one after each change that somebody made. */
export function versionOf(record: InstanceRecord): string {
  return `"${canonicalHash(definitionOf(record))}"`;
}

function definitionOf({ orgId, instanceId, kind, name, status, origin, modelRef, tier, ttlS, config, configHash }: InstanceRecord): InstanceDefinition {
  return { orgId, instanceId, kind, name, status, origin, modelRef, tier, ttlS, config, configHash };
}

function patchedConfig(config: Readonly<Record<string, unknown>>, patch: Readonly<Record<string, unknown>>): InstanceConfig {
  return Object.fromEntries(Object.entries({ ...config, ...patch }).filter(([, value]) => value !== null && value !== undefined));
}
