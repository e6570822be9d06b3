import type { EngineEntry, ExternalServer } from '@corral/catalog-core';
import type { ServerFacts } from '@corral/engine';
import type { AttachedModel, PlannedPool } from '../devices/planned-pool.js';
import type { WantedReplica } from '../replicas/plan-replicas.js';
import { replicaKey } from '../replicas/replica.js';

/** What became of the last look at a server. */
export type ServerState =
  /** Nobody has looked yet. */
  | { readonly state: 'unknown' }
  | { readonly state: 'up'; readonly facts: ServerFacts }
  | { readonly state: 'down'; readonly reason: string };

/** An entry that has a server. */
export type ExternalEntry = EngineEntry & { readonly external: ExternalServer };

export function isExternal(entry: EngineEntry): entry is ExternalEntry {
  return entry.external !== undefined;
}

/** Its device is the server's own affair. */
const ATTACHED_DEVICE = 'external';

/** Id of the pool that a node has for a server. */
export function attachedPoolId(nodeId: string, engineId: string): string {
  return `${nodeId}-external-${engineId}`;
}

/** The pool of a server: one replica at most, and no memory, since that is not known here. Pure. [D-82] */
export function attachedPool(nodeId: string, entry: ExternalEntry, state: ServerState): PlannedPool {
  return {
    poolId: attachedPoolId(nodeId, entry.id),
    device: ATTACHED_DEVICE,
    deviceKind: entry.deviceKinds[0] ?? 'cpu',
    deviceName: `llama-server ${versionOf(entry, state)}`,
    deviceMask: '',
    memoryTotalBytes: 0,
    replicasMax: 1,
    threadsPerReplica: 1,
    problem: problemOf(entry, state),
    attached: modelOf(entry, state),
  };
}

/** The replica that stands before a server while it answers. Pure. [D-82] */
export function attachedReplica(nodeId: string, entry: ExternalEntry, state: ServerState): WantedReplica | null {
  if (problemOf(entry, state) !== null) return null;
  const { modelId, digest, contextTokens, slots } = modelOf(entry, state);
  const shape = { poolId: attachedPoolId(nodeId, entry.id), device: ATTACHED_DEVICE, modelId, digest, engineId: entry.id, contextTokens, slots };
  return { ...shape, key: replicaKey(shape), modelPath: entry.external.modelPath ?? '', memoryBytes: 0, order: 0, latestGeneration: 0, isVerified: true };
}

/** Slots and context as the server has them now: it may have been started again with others. */
function modelOf({ id: engineId, external, ...entry }: ExternalEntry, state: ServerState): AttachedModel {
  const { modelId, digest } = external;
  const { slots, contextTokens } = state.state === 'up' ? state.facts : external;
  return { engineId, version: versionOf({ ...entry }, state), modelId, digest, contextTokens, slots };
}

function versionOf({ version }: Pick<EngineEntry, 'version'>, state: ServerState): string {
  return state.state === 'up' ? state.facts.version : version;
}

/** Why it can serve nobody, with the next step; `null` when it can. Its address is not told: clients see this. [B-51] */
function problemOf({ id, external, verification, state: lifecycle }: ExternalEntry, state: ServerState): string | null {
  if (lifecycle === 'Retired') return `engine ${id} is retired; activate it with "corral engines activate ${id}"`;
  if (verification.result === 'fail') return `the server of engine ${id} failed its probe: ${verification.reason}`;
  if (state.state === 'unknown') return `the server of engine ${id} has not been asked yet`;
  if (state.state === 'down') return `the server of engine ${id} does not answer: ${state.reason}; start it again, or look at its log`;
  const { modelPath } = state.facts;
  return modelPath === external.modelPath ? null : `the server of engine ${id} serves ${modelPath ?? 'a model without a name'} in place of ${external.modelPath ?? 'a model without a name'}; start it with that file, or remove the engine and add it again`;
}
