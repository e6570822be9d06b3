import type { NodeSummary, PoolStatus } from '@corral/contracts';
import { counted } from '../wording/counted.js';
import type { Tone } from '../wording/tone.js';

export interface ServiceVerdict {
  readonly tone: Tone;
  readonly title: string;
  readonly detail: string;
  /** What the operator does next; empty where nothing is to be done. */
  readonly next: string;
}

const NO_POOL = { tone: 'bad', title: 'No pool is ready' } as const;

/** Whether anything can be served, and if not why and what to do. [U-07] */
export function serviceVerdict(pools: readonly PoolStatus[], nodes: readonly NodeSummary[]): ServiceVerdict {
  const ready = pools.filter(({ ready: isReady, draining }) => isReady && !draining);
  if (ready.length > 0) return serving(pools, ready);
  const silent = nodes.filter(({ online }) => !online);
  if (nodes.length > 0 && silent.length === nodes.length) return silence(silent);
  if (pools.length === 0) return withoutPools(nodes);
  if (pools.every(({ draining }) => draining)) {
    return { ...NO_POOL, detail: 'Every pool drains: running answers end, new tasks wait.', next: 'Undrain one below to serve again.' };
  }
  const broken = pools.find(({ ready: isReady, last_error: error }) => !isReady && error !== null);
  if (broken === undefined) return { tone: 'busy', title: 'Starting', detail: 'The engine of the first pool is being prepared.', next: 'This takes a few seconds.' };
  return { ...NO_POOL, detail: `${broken.pool_id}: ${broken.last_error ?? ''}`, next: 'Do what the message says; this page shows the change by itself.' };
}

function serving(pools: readonly PoolStatus[], ready: readonly PoolStatus[]): ServiceVerdict {
  const resident = ready.flatMap(({ replicas }) => replicas).filter(({ state }) => state === 'resident');
  const free = ready.reduce((sum, { slots_free }) => sum + slots_free, 0);
  const detail = resident.length === 0 ? 'No model is loaded; the first request brings one in.' : `${counted(resident.length, 'replica')} loaded, ${counted(free, 'slot')} free.`;
  if (ready.length === pools.length) return { tone: 'good', title: pools.length === 1 ? 'The pool is ready' : `All ${pools.length} pools are ready`, detail, next: '' };
  return { tone: 'warn', title: `${ready.length} of ${pools.length} pools are ready`, detail, next: 'The others say below what they lack.' };
}

function withoutPools(nodes: readonly NodeSummary[]): ServiceVerdict {
  if (nodes.length === 0) return { ...NO_POOL, detail: 'No node has registered.', next: 'Start pool-managerd on a machine with a GPU; it registers by itself.' };
  const said = nodes.find(({ last_error: error }) => error !== null)?.last_error;
  return { ...NO_POOL, detail: said ?? 'The nodes report, and none has a pool.', next: 'Their logs say which devices they looked for.' };
}

function silence(nodes: readonly NodeSummary[]): ServiceVerdict {
  const [first] = nodes;
  const who = nodes.length === 1 && first !== undefined ? `Node ${first.node_id} does not report` : `None of ${nodes.length} nodes reports`;
  const error = first?.last_error ?? null;
  return { ...NO_POOL, detail: error === null ? `${who}.` : `${who}: ${error}`, next: 'Start pool-managerd there, or see in its log why it cannot reach orchestratord.' };
}
