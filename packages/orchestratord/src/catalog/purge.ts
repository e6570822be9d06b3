import { ApiError, type ModelPurged, type Operation } from '@corral/contracts';
import type { Clock, Log, Operations, OperationStep } from '@corral/service-kit';
import type { ServedSource } from '../manifest/served-state.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { CatalogCall, CatalogCalls } from './catalog-calls.js';
import type { FleetLook } from './fleet-look.js';
import type { ModelIntent } from './model-intent.js';
import type { KnownModel } from './model-view.js';
import { later, purgeOnNode, type NodeEnd } from './purge-on-node.js';

export interface PurgeParts {
  readonly calls: Pick<CatalogCalls, 'known' | 'remove' | 'restore'>;
  readonly served: ServedSource;
  readonly nodes: Pick<NodeDirectory, 'clientFor' | 'refresh'>;
  look(): FleetLook;
  instances(): readonly Pick<InstanceRecord, 'orgId' | 'instanceId' | 'kind' | 'modelRef'>[];
  readonly operations: Pick<Operations, 'start'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Begins to remove a model everywhere: its entry here, entry and file on every node that has it, all at once. Nodes that
 * are away do it when they come back. Where a node keeps it the operation fails, the entry is there again, and the same
 * call goes on with the nodes that still have it. Throws MODEL_IN_USE while it is pinned, named, or in use. [G-09]
 */
export async function beginPurge(parts: PurgeParts, modelId: string, call: CatalogCall): Promise<Operation> {
  const { calls, operations } = parts;
  const known = calls.known(modelId);
  const uses = usesOf(known, parts);
  if (uses !== null) throw new ApiError('MODEL_IN_USE', `model ${modelId} ${uses}`);
  const holders = parts.look().holders(modelId);
  const digests = new Set(holders.map(({ model }) => model.digest));
  const before = await calls.remove(modelId, digests.size === 1 ? ([...digests][0] ?? null) : null, call);
  try {
    const nodes = new Map(holders.map(({ place }) => [place.nodeId, place.online]));
    return operations.start({ kind: 'model_purge', subject: { model_id: modelId } }, (step, signal) => purge(parts, { modelId, nodes, before, call }, { step, signal }));
  } catch (error) {
    await calls.restore(before, call);
    throw error;
  }
}

/** Why the model may not go, with the next step; `null` when it may. Pure. [G-09] */
export function usesOf({ spec, origin }: KnownModel, { served, look, instances }: Pick<PurgeParts, 'served' | 'look' | 'instances'>): string | null {
  const id = spec.model_id;
  if (spec.pinned) return `is pinned; unpin it first with corral models unpin ${id}`;
  if (origin === 'starter') return 'is the built-in starter model; serve a manifest without it first';
  if (served.current().models.has(id)) return `is defined in the manifest ${served.current().path ?? ''}; take it out there first`;
  const named = instances().find(({ kind, modelRef }) => kind === 'explicit' && modelRef === id);
  if (named !== undefined) return `is the model of instance ${named.orgId}/${named.instanceId}; delete that, or give it another model first`;
  const { pools, wanted } = look().sources;
  const loaded = pools.find(({ status }) => status.replicas.some(({ model_id, state }) => model_id === id && state !== 'failed'));
  const next = `retire it first with corral models retire ${id}, which unloads it`;
  if (loaded !== undefined) return `is loaded in pool ${loaded.poolId}; ${next}`;
  const staging = look().holders(id).find(({ place, model }) => place.staging?.entries.some(({ digest, leases, state }) => digest === model.digest && (leases > 0 || state === 'staging')));
  if (staging !== undefined) return `is staged in the RAM of node ${staging.place.nodeId} for somebody; ${next}`;
  const assigned = wanted.find(({ model, wanted: where }) => model.model_id === id && (where === 'resident' || where === 'staged'));
  return assigned === undefined ? null : `is wanted on node ${assigned.target.node_id}; ${next}`;
}

interface Purge {
  readonly modelId: string;
  /** Node → whether it reports. */
  readonly nodes: ReadonlyMap<string, boolean>;
  readonly before: ModelIntent;
  readonly call: CatalogCall;
}

async function purge(parts: PurgeParts, { modelId, nodes, before, call }: Purge, { step, signal }: { readonly step: OperationStep; readonly signal: AbortSignal }): Promise<ModelPurged> {
  const ends = new Map<string, NodeEnd>();
  const shown = (): ModelPurged => ({ model_id: modelId, nodes: [...nodes.keys()].map((nodeId) => ({ node_id: nodeId, outcome: ends.get(nodeId)?.outcome ?? 'purging', reason: ends.get(nodeId)?.reason ?? null })) });
  const tell = (): void => step({ phase: 'purging', fraction: nodes.size === 0 ? 1 : ends.size / nodes.size, detail: `${ends.size} of ${nodes.size} nodes`, result: shown() });
  tell();
  await Promise.all([...nodes].map(async ([nodeId, isOnline]) => {
    ends.set(nodeId, isOnline ? await purgeOnNode(parts, nodeId, modelId, signal) : later('it does not report'));
    tell();
  }));
  // What a daemon that stops leaves is finished by the nodes: they hear of it from the catalog.
  signal.throwIfAborted();
  const problem = problemOf(modelId, ends);
  if (problem !== null) {
    await parts.calls.restore(before, call);
    for (const [nodeId, { outcome, reason }] of ends) if (outcome === 'later') ends.set(nodeId, { outcome: 'kept', reason: `${reason}, and the model stays in the catalog` });
    tell();
    throw problem;
  }
  parts.log.info('model purged', { model_id: modelId, nodes: [...nodes.keys()] });
  return shown();
}

/** Why the model stays, naming every node that keeps it and those where it is gone; `null` when none keeps it. */
function problemOf(modelId: string, ends: ReadonlyMap<string, NodeEnd>): ApiError | null {
  const stays = [...ends].filter(([, { outcome }]) => outcome === 'kept' || outcome === 'failed');
  if (stays.length === 0) return null;
  const gone = [...ends].filter(([, { outcome }]) => outcome === 'purged').map(([nodeId]) => nodeId);
  const what = stays.map(([nodeId, { outcome, reason }]) => `node ${nodeId} ${outcome === 'kept' ? 'keeps' : 'could not remove'} model ${modelId}: ${reason}`).join('; ');
  const rest = gone.length === 0 ? '' : `; it is gone from ${gone.join(', ')}, and the same call goes on with the rest`;
  return new ApiError(stays.some(([, { outcome }]) => outcome === 'kept') ? 'MODEL_IN_USE' : 'NODE_UNAVAILABLE', `${what}${rest}`);
}
