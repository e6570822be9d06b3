import type { EventEnvelope } from '@corral/contracts';
import { envelopeOf } from '@corral/event-bus';
import type { Clock } from '@corral/service-kit';
import type { DeletedModel } from './delete-model.js';

/** What the control plane is told of a model that has left the disk. [D-65 G-30] */
export function deletionEvent({ modelId, digest, rule, freedBytes, fileError }: DeletedModel, { nodeId, clock }: { readonly nodeId: string; readonly clock: Clock }): EventEnvelope {
  const data = { node_id: nodeId, model_id: modelId, digest, rule, freed_bytes: freedBytes, error: fileError };
  return envelopeOf('catalog.model_deleted', data, { source: `pool-managerd/${nodeId}`, clock }) as EventEnvelope;
}
