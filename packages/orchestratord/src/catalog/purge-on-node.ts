import { isApiError, type ModelPurged } from '@corral/contracts';
import { isConnectionError, type Clock, type Log } from '@corral/service-kit';
import type { NodeDirectory } from '../nodes/node-view.js';

export interface PurgeOnNodeParts {
  readonly nodes: Pick<NodeDirectory, 'clientFor' | 'refresh'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What became of the model on one node. */
export interface NodeEnd {
  readonly outcome: Exclude<ModelPurged['nodes'][number]['outcome'], 'purging'>;
  readonly reason: string | null;
}

/** A node may have to hear first that nothing wants the model any more. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 200;

/** The node does it when it is back. */
export function later(reason: string): NodeEnd {
  return { outcome: 'later', reason };
}

/** Has a node remove entry and file. A node that has neither is done; one that uses the model is asked again for a while. Never rejects. [G-09] */
export async function purgeOnNode({ nodes, clock, log }: PurgeOnNodeParts, nodeId: string, modelId: string, signal: AbortSignal): Promise<NodeEnd> {
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  // A node that could not delete the file says so once: the entry is gone when it is asked again.
  let said: string | null = null;
  for (;;) {
    const client = nodes.clientFor(nodeId);
    if (client === undefined) return later('it has left');
    try {
      await client.exchange('DELETE', `/v2/catalog/models/${encodeURIComponent(modelId)}`, undefined, { signal });
      nodes.refresh(nodeId);
      return { outcome: 'purged', reason: null };
    } catch (error) {
      if (isConnectionError(error)) return later(error.message);
      if (!isApiError(error)) {
        log.error('model not purged on a node', { node_id: nodeId, model_id: modelId, error });
        return { outcome: 'failed', reason: 'unexpectedly; the log of the control plane says why' };
      }
      if (error.code === 'NOT_FOUND') return { outcome: 'purged', reason: said };
      const isBusy = error.code === 'MODEL_IN_USE' || error.code === 'CONFLICT';
      if (!isBusy) return { outcome: 'failed', reason: error.message };
      if (clock.monotonicMs() >= untilMs || signal.aborted) return { outcome: 'kept', reason: error.message };
      said = error.code === 'CONFLICT' ? error.message : null;
      await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }
}
