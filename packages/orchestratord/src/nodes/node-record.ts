import type { NodeState, RegisterRequest } from '@corral/contracts';

/** One node as the registry knows it. Times are monotonic milliseconds of this process. */
export interface NodeRecord {
  readonly nodeId: string;
  /** `null` for a node that is known by its address alone. */
  readonly machineId: string | null;
  readonly address: string;
  readonly origin: 'registered' | 'static';
  /** `registering`: known, and its pools are not yet those that it is told to have. */
  readonly phase: 'registering' | 'online' | 'offline';
  readonly incarnation: string;
  /** Incarnations that a later one replaced, newest first: what they still send counts for nothing. */
  readonly fenced: readonly string[];
  /** The last full state, with the events after it. */
  readonly state: NodeState;
  readonly lastReportMs: number;
  /** Reports of this incarnation whose pools were not yet as told. */
  readonly unsettledReports: number;
  readonly lastError: string | null;
}

/** What one report changes. */
export type Acceptance =
  /** `restarted`: another process than before; what ran on the old one is lost. */
  | { readonly kind: 'accepted'; readonly next: NodeRecord; readonly restarted: boolean; readonly cameOnline: boolean }
  /** An old report, or one that came twice: a sign of life and nothing more. */
  | { readonly kind: 'stale'; readonly next: NodeRecord; readonly cameOnline: boolean }
  /** From a process that another one replaced. */
  | { readonly kind: 'fenced' }
  /** From a process that has not registered. */
  | { readonly kind: 'unknown' };

/** How a report arrived: each may introduce a node, a heartbeat may not. */
export type Arrival =
  | { readonly kind: 'register'; readonly request: Pick<RegisterRequest, 'address' | 'machine_id'> }
  | { readonly kind: 'poll'; readonly address: string }
  | { readonly kind: 'heartbeat' };

export interface ReportContext {
  readonly nowMs: number;
  /** Whether these pools are those that the node is told to have. */
  arePoolsAsTold(state: NodeState): boolean;
}

const FENCED_MAX = 8;
/** A node that cannot build the pools it is told to have is taken as it is after so many reports. */
const UNSETTLED_MAX = 3;

/** What one full state of a node changes. Pure: state and time in, verdict out. [P-12 P-13 P-14 E-24] */
export function acceptReport(known: NodeRecord | undefined, state: NodeState, arrival: Arrival, context: ReportContext): Acceptance {
  if (known === undefined) return arrival.kind === 'heartbeat' ? { kind: 'unknown' } : introduce(undefined, state, arrival, context);
  if (known.incarnation === state.incarnation) return arrival.kind === 'register' ? introduce(known, state, arrival, context) : update(known, state, context);
  // While its successor lives, an old process must not take the name back; when that one is gone, it may.
  if (known.fenced.includes(state.incarnation) && known.phase !== 'offline') return { kind: 'fenced' };
  if (arrival.kind === 'heartbeat') return { kind: 'unknown' };
  return introduce(known, state, arrival, context);
}

function introduce(known: NodeRecord | undefined, state: NodeState, arrival: Exclude<Arrival, { kind: 'heartbeat' }>, context: ReportContext): Acceptance {
  const restarted = known !== undefined && known.incarnation !== state.incarnation;
  const fenced = restarted ? [known.incarnation, ...known.fenced.filter((one) => one !== state.incarnation)].slice(0, FENCED_MAX) : (known?.fenced ?? []);
  // A registered node that is also polled stays as it registered.
  const identity =
    arrival.kind === 'register'
      ? { machineId: arrival.request.machine_id, address: arrival.request.address, origin: 'registered' as const }
      : { machineId: known?.machineId ?? null, address: known?.address ?? arrival.address, origin: known?.origin ?? ('static' as const) };
  const isFresh = known === undefined || restarted || state.seq >= known.state.seq;
  const unsettledReports = restarted ? 0 : (known?.unsettledReports ?? 0);
  const base = { nodeId: state.node_id, ...identity, incarnation: state.incarnation, fenced, state: isFresh ? state : known.state, unsettledReports };
  const settled = settle({ ...base, phase: restarted ? 'registering' : (known?.phase ?? 'registering'), lastReportMs: context.nowMs, lastError: null }, context);
  return { kind: 'accepted', next: settled, restarted, cameOnline: settled.phase === 'online' && (known?.phase !== 'online' || restarted) };
}

function update(known: NodeRecord, state: NodeState, context: ReportContext): Acceptance {
  const alive = { ...known, lastReportMs: context.nowMs, lastError: null };
  const isStale = state.seq <= known.state.seq;
  const next = settle(isStale ? alive : { ...alive, state }, context);
  const cameOnline = next.phase === 'online' && known.phase !== 'online';
  return isStale ? { kind: 'stale', next, cameOnline } : { kind: 'accepted', next, restarted: false, cameOnline };
}

function settle(record: NodeRecord, { arePoolsAsTold }: ReportContext): NodeRecord {
  if (arePoolsAsTold(record.state)) return { ...record, phase: 'online', unsettledReports: 0 };
  const unsettledReports = record.unsettledReports + 1;
  return { ...record, unsettledReports, phase: unsettledReports >= UNSETTLED_MAX || record.phase === 'online' ? 'online' : 'registering' };
}
