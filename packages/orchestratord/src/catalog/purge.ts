import { ApiError, isApiError } from '@corral/contracts';
import { isConnectionError, type Clock, type Log } from '@corral/service-kit';
import type { ServedSource } from '../manifest/served-state.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { CatalogCall, CatalogCalls } from './catalog-calls.js';
import type { FleetLook } from './fleet-look.js';
import type { KnownModel } from './model-view.js';

export interface PurgeParts {
  readonly calls: Pick<CatalogCalls, 'known' | 'remove' | 'restore'>;
  readonly served: ServedSource;
  readonly nodes: Pick<NodeDirectory, 'clientFor' | 'refresh'>;
  look(): FleetLook;
  instances(): readonly Pick<InstanceRecord, 'orgId' | 'instanceId' | 'kind' | 'modelRef'>[];
  readonly clock: Clock;
  readonly log: Log;
}

/** A node may have to hear first that nothing wants the model any more. */
const NODE_PATIENCE_MS = 5_000;
const RETRY_MS = 200;

/**
 * Removes a model everywhere: its entry here, entry and file on every node that has it. Nodes that are away do it when
 * they come back. Throws MODEL_IN_USE while it is pinned, named, or in use, and then it is as it was. [G-09]
 */
export async function purgeModel(parts: PurgeParts, modelId: string, call: CatalogCall): Promise<void> {
  const { calls, clock, log } = parts;
  const known = calls.known(modelId);
  const uses = usesOf(known, parts);
  if (uses !== null) throw new ApiError('MODEL_IN_USE', `model ${modelId} ${uses}`);
  const holders = parts.look().holders(modelId);
  const digests = new Set(holders.map(({ model }) => model.digest));
  const before = await calls.remove(modelId, digests.size === 1 ? ([...digests][0] ?? null) : null, call);
  const untilMs = clock.monotonicMs() + NODE_PATIENCE_MS;
  for (const { place } of holders) {
    if (!place.online) continue;
    const refusal = await removeOn(parts, place.nodeId, modelId, untilMs);
    if (refusal === null) continue;
    await calls.restore(before, call);
    throw new ApiError('MODEL_IN_USE', `node ${place.nodeId} keeps model ${modelId}: ${refusal}`);
  }
  log.info('model purged', { model_id: modelId, nodes: holders.map(({ place }) => place.nodeId) });
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

/** `null` when it is gone there, or will go; else why the node keeps it. */
async function removeOn({ nodes, clock, log }: PurgeParts, nodeId: string, modelId: string, untilMs: number): Promise<string | null> {
  for (;;) {
    const client = nodes.clientFor(nodeId);
    if (client === undefined) return null;
    try {
      await client.exchange('DELETE', `/v2/catalog/models/${encodeURIComponent(modelId)}`);
      nodes.refresh(nodeId);
      return null;
    } catch (error) {
      if (isApiError(error) && error.code === 'NOT_FOUND') return null;
      if (isConnectionError(error)) {
        log.warn('model to be purged on a node later', { node_id: nodeId, model_id: modelId, reason: error.message });
        return null;
      }
      if (!isApiError(error) || (error.code !== 'MODEL_IN_USE' && error.code !== 'CONFLICT')) throw error;
      if (clock.monotonicMs() >= untilMs) return error.message;
      await clock.sleep(RETRY_MS);
    }
  }
}
