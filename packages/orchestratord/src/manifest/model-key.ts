import type { ModelSpec, ReplicaStatus } from '@corral/contracts';
import { canonicalHash } from './canonical-hash.js';

type Shape = Pick<ModelSpec, 'model_id' | 'context' | 'slots'>;

/**
 * Identity of what must be in memory to serve a model: opaque to everybody but this file. Two specs have one key
 * exactly when one replica may serve both.
 *
 * The bytes count by their digest; where a spec has none, because its model was never fetched, by its sources. A fetch
 * therefore changes no key.
 */
export function modelKeyOf({ digest, sources, ...shape }: Shape & Pick<ModelSpec, 'digest' | 'sources'>): string {
  return `${shapeKey(shape)}${digest === null ? `~${sourcesHash(sources)}` : `#${digest}`}`;
}

/** What a replica's key depends on beside the replica. */
export interface KnownSpecs {
  /** What is served under the id. */
  specOf(modelId: string): ModelSpec | undefined;
  /** The keys without a digest that these bytes were seen under, the latest last. */
  keysSeen(modelId: string, digest: string): readonly string[];
}

/** The key of what a replica holds; it equals no served key when its bytes or its shape are not those of a served spec. */
export function modelKeyOfReplica(replica: ReplicaStatus, { specOf, keysSeen }: KnownSpecs): string {
  const shape = shapeKey({ model_id: replica.model_id, context: replica.context, slots: replica.slots_total });
  const own = `${shape}#${replica.digest}`;
  const spec = specOf(replica.model_id);
  const served = spec === undefined ? null : modelKeyOf(spec);
  if (replica.attached === true) return served !== null && holds(replica, spec) ? served : own;
  if (served === own) return own;
  const seen = keysSeen(replica.model_id, replica.digest).filter((key) => key.startsWith(`${shape}~`));
  if (seen.length > 0) return served !== null && seen.includes(served) ? served : (seen.at(-1) ?? own);
  return served?.startsWith(`${shape}~`) === true ? served : own;
}

/** A server has its own slots and its own context; it serves what fits in there. [D-82] */
function holds({ digest, context }: ReplicaStatus, spec: ModelSpec | undefined): boolean {
  return spec !== undefined && spec.context <= context && (spec.digest === null || spec.digest === digest);
}

function shapeKey({ model_id, context, slots }: Shape): string {
  return `${model_id}@${context}x${slots}`;
}

const hashes = new WeakMap<readonly string[], string>();

function sourcesHash(sources: readonly string[]): string {
  const known = hashes.get(sources);
  if (known !== undefined) return known;
  const hash = canonicalHash(sources);
  hashes.set(sources, hash);
  return hash;
}
