import type { ModelPulled, ModelVerified, Operation } from '@corral/contracts';
import { RESULTS } from '../catalog/verification-view.js';
import { formatAge } from '../wording/format-age.js';
import { formatDuration } from '../wording/format-duration.js';
import { formatSize } from '../wording/format-size.js';
import type { Tone } from '../wording/tone.js';

/** Something that goes on, or has ended lately. */
export interface OperationRow {
  readonly operationId: string;
  readonly what: string;
  readonly subject: string;
  /** The model that it is about, which has a page; null where it is about none, or about more than the model. */
  readonly modelId: string | null;
  readonly tone: Tone;
  readonly label: string;
  /** Share of the present phase; null where it has ended or cannot be known. */
  readonly fraction: number | null;
  readonly isRunning: boolean;
  /** What it does at this moment, and what came of it once it has ended. */
  readonly note: string | null;
  readonly problem: string | null;
  /** Where a model is gone through node by node, what each of them found. */
  readonly nodes: readonly { readonly nodeId: string; readonly tone: Tone; readonly text: string }[];
  readonly when: string;
  /** The moment that `when` is about. */
  readonly atMs: number;
}

type Outcome = Pick<OperationRow, 'tone' | 'label' | 'note' | 'nodes'>;

/** [U-24] */
export function operationRow(operation: Operation, nowMs: number): OperationRow {
  const { state, error, created_at: createdAt, ended_at: endedAt } = operation;
  const beganMs = Date.parse(createdAt);
  const outcome = outcomeOf(operation);
  const endedMs = endedAt === null ? null : Date.parse(endedAt);
  const took = endedMs === null ? null : formatDuration(Math.max(0, endedMs - beganMs));
  return {
    operationId: operation.operation_id,
    what: whatOf(operation),
    subject: Object.values(operation.subject).join(' / '),
    modelId: Object.keys(operation.subject).length === 1 ? (operation.subject['model_id'] ?? null) : null,
    ...outcome,
    fraction: state === 'running' ? operation.progress : null,
    isRunning: state === 'running',
    problem: error === null ? null : [error.message, error.hint].filter((part) => part !== undefined).join(' '),
    atMs: endedMs ?? beganMs,
    when: took === null ? `since ${formatAge(nowMs - beganMs)}` : `${formatAge(nowMs - (endedMs ?? beganMs))} ago, took ${took}`,
  };
}

function outcomeOf({ state, phase, progress, detail, result }: Operation): Outcome {
  if (state === 'failed') return { tone: 'bad', label: 'failed', note: null, nodes: [] };
  if (state === 'running') {
    const words = detail ?? phase.replaceAll('_', ' ');
    return { tone: 'busy', label: progress === null ? 'running' : `running, ${Math.round(progress * 100)} %`, note: words, nodes: [] };
  }
  if (isVerified(result)) return verified(result);
  return isPulled(result) ? pulled(result) : { tone: 'good', label: 'done', note: null, nodes: [] };
}

function verified({ result, reason, nodes }: ModelVerified): Outcome {
  const each = nodes.length < 2 ? [] : nodes.map(({ node_id, result: found, reason: why }) => ({ nodeId: node_id, tone: RESULTS[found].tone, text: `${RESULTS[found].label}: ${why}` }));
  return { ...RESULTS[result], note: reason, nodes: each };
}

function pulled({ nodes }: ModelPulled): Outcome {
  const failed = nodes.filter(({ error }) => error !== null);
  const each = nodes.map(({ node_id, size_bytes: bytes, error }) => ({ nodeId: node_id, tone: error === null ? ('good' as const) : ('bad' as const), text: error ?? (bytes === null ? 'has it' : `has it, ${formatSize(bytes)}`) }));
  if (failed.length === 0) return { tone: 'good', label: 'done', note: null, nodes: each };
  return { tone: failed.length === nodes.length ? 'bad' : 'warn', label: `failed on ${failed.length} of ${nodes.length}`, note: null, nodes: each };
}

function isVerified(result: unknown): result is ModelVerified {
  return isListOfNodes(result) && 'result' in result && 'reason' in result;
}

function isPulled(result: unknown): result is ModelPulled {
  return isListOfNodes(result) && result.nodes.every((node) => typeof node === 'object' && node !== null && 'error' in node && 'size_bytes' in node);
}

function isListOfNodes(result: unknown): result is { readonly nodes: readonly unknown[] } {
  return typeof result === 'object' && result !== null && 'nodes' in result && Array.isArray(result.nodes);
}

/** The subject says of what kind it is: `pool_drain` of a pool is `Drain`. */
function whatOf({ kind, subject }: Operation): string {
  const noun = Object.keys(subject).map((name) => name.replace(/_id$/, '_')).find((start) => kind.startsWith(start)) ?? '';
  const words = kind.slice(noun.length).replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
