import { ApiError, isApiError, NodePulled, NodeVerified, validator, type ModelPulled, type ModelSpec, type ModelVerified, type Validator } from '@corral/contracts';
import { isConnectionError, type Clock, type OperationStep } from '@corral/service-kit';
import type { NodeDirectory } from '../nodes/node-view.js';
import { followOperation } from '../operations/follow-operation.js';

export interface NodeWorkParts {
  readonly nodes: Pick<NodeDirectory, 'clientFor' | 'refresh'>;
  readonly clock: Clock;
}

const verified = validator(NodeVerified);
const pulled = validator(NodePulled);

interface Work<T> {
  readonly nodeIds: readonly string[];
  readonly path: string;
  readonly request?: unknown;
  readonly check: Validator<T>;
}

type Outcome<T> = { readonly nodeId: string } & ({ readonly result: T; readonly error: null } | { readonly result: null; readonly error: ApiError });

/** Has every node recompute the digest of its file. A node that cannot be asked counts as failed. [B-92] */
export async function verifyOn(parts: NodeWorkParts, { model_id: modelId, digest: expected }: Pick<ModelSpec, 'model_id' | 'digest'>, nodeIds: readonly string[], run: { readonly step: OperationStep; readonly signal: AbortSignal }): Promise<ModelVerified> {
  const outcomes = await onNodes(parts, { nodeIds, path: `/v2/catalog/models/${encodeURIComponent(modelId)}/verify`, check: verified }, run);
  const nodes = outcomes.map(({ nodeId, result, error }) => (error === null ? { node_id: nodeId, ...judged(result, expected), digest: result.digest } : { node_id: nodeId, result: 'fail' as const, reason: error.message, digest: null }));
  const worst = nodes.find(({ result }) => result === 'fail') ?? nodes.find(({ result }) => result === 'warn') ?? nodes[0];
  return { model_id: modelId, result: worst?.result ?? 'fail', reason: worst?.reason ?? 'no node was asked', last_verified_ms: parts.clock.nowMs(), nodes };
}

/** A digest may have been given here since the node fetched the file. */
function judged({ result, reason, digest }: NodeVerified, expected: string | null): Pick<NodeVerified, 'result' | 'reason'> {
  if (expected === null || digest === null || result === 'fail') return { result, reason };
  if (digest === expected) return { result: 'pass', reason: 'the file has the digest that was given' };
  return { result: 'fail', reason: `the file has the digest ${digest}, and ${expected} was given; correct the digest of the model, or purge the file and pull it again` };
}

/** Has every node fetch the file. Rejects with the first error when none could. */
export async function pullOn(parts: NodeWorkParts, spec: ModelSpec, nodeIds: readonly string[], run: { readonly step: OperationStep; readonly signal: AbortSignal }): Promise<ModelPulled> {
  const outcomes = await onNodes(parts, { nodeIds, path: `/v2/catalog/models/${encodeURIComponent(spec.model_id)}/pull`, request: { spec }, check: pulled }, run);
  const failed = outcomes.flatMap(({ error }) => (error === null ? [] : [error]));
  if (failed.length === outcomes.length && failed[0] !== undefined) throw failed[0];
  return { model_id: spec.model_id, nodes: outcomes.map(({ nodeId, result, error }) => ({ node_id: nodeId, digest: result?.digest ?? null, size_bytes: result?.size_bytes ?? null, error: error?.message ?? null })) };
}

/** Runs an operation on each node at once; the progress is that of all together, told in the words of the one that is least far. */
async function onNodes<T>(parts: NodeWorkParts, work: Work<T>, { step, signal }: { readonly step: OperationStep; readonly signal: AbortSignal }): Promise<readonly Outcome<T>[]> {
  const steps = new Map<string, Parameters<OperationStep>[0]>(work.nodeIds.map((nodeId) => [nodeId, { phase: 'starting', fraction: 0 }]));
  const tell = (nodeId: string, progress: Parameters<OperationStep>[0]): void => {
    steps.set(nodeId, progress);
    const all = [...steps.values()];
    const least = all.toSorted((a, b) => (a.fraction ?? 0) - (b.fraction ?? 0))[0] ?? progress;
    const isKnown = all.every(({ fraction }) => fraction !== null);
    step({ ...least, fraction: isKnown ? all.reduce((sum, { fraction }) => sum + (fraction ?? 0), 0) / all.length : null });
  };
  return Promise.all(work.nodeIds.map(async (nodeId): Promise<Outcome<T>> => {
    try {
      const result = await onNode(parts, work, { nodeId, signal, step: (progress) => tell(nodeId, progress) });
      tell(nodeId, { phase: 'done', fraction: 1 });
      return { nodeId, result, error: null };
    } catch (error) {
      signal.throwIfAborted();
      tell(nodeId, { phase: 'failed', fraction: 1 });
      if (isConnectionError(error)) return { nodeId, result: null, error: away(nodeId, error.message) };
      if (!isApiError(error)) throw error;
      return { nodeId, result: null, error: onNodeOnly(nodeId, work.nodeIds.length, error) };
    } finally {
      parts.nodes.refresh(nodeId);
    }
  }));
}

async function onNode<T>({ nodes, clock }: NodeWorkParts, { path, request, check }: Work<T>, { nodeId, step, signal }: { readonly nodeId: string; readonly step: OperationStep; readonly signal: AbortSignal }): Promise<T> {
  const client = nodes.clientFor(nodeId);
  if (client === undefined) throw away(nodeId, 'it has left');
  const begun = await client.json<{ readonly operation_id?: unknown }>('POST', path, request, { signal });
  if (typeof begun.operation_id !== 'string') throw unreadable(nodeId);
  const result = check(await followOperation({ client, clock }, begun.operation_id, step, signal));
  if (!result.ok) throw unreadable(nodeId);
  return result.value;
}

/** Of several nodes, the message says which one failed. */
function onNodeOnly(nodeId: string, nodes: number, error: ApiError): ApiError {
  return nodes === 1 ? error : new ApiError(error.code, `node ${nodeId}: ${error.message}`, error.details, { cause: error });
}

function away(nodeId: string, reason: string): ApiError {
  return new ApiError('NODE_UNAVAILABLE', `node ${nodeId} cannot be reached (${reason}); try again when it reports`, { retry_after_ms: 5_000 });
}

function unreadable(nodeId: string): ApiError {
  return new ApiError('NODE_UNAVAILABLE', `node ${nodeId} answered what this version cannot read; run the same version on both`);
}
