import type { ModelSpec, ReplicaStatus } from '@corral/contracts';

/**
 * Identity of what must be in memory to serve a model: opaque to everybody but this file.
 *
 * A digest is no part of it, because a model that was never fetched may have none; a replica whose digest
 * contradicts the spec gets a key of its own in {@link modelKeyOfReplica}.
 */
export function modelKeyOf({ model_id, context }: Pick<ModelSpec, 'model_id' | 'context'>): string {
  return `${model_id}@${context}`;
}

/** The key of what a replica holds; it equals no served key when its bytes are not those that `specOf` promises. */
export function modelKeyOfReplica(replica: ReplicaStatus, specOf: (modelId: string) => ModelSpec | undefined): string {
  const promised = specOf(replica.model_id)?.digest ?? null;
  const key = modelKeyOf(replica);
  return promised === null || promised === replica.digest ? key : `${key}!${replica.digest}`;
}
