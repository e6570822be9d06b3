import type { Assignment, ModelSpec, PoolChange, ReplicaModel } from '@corral/contracts';
import { instanceKey } from '../assignments/journal-state.js';
import type { JournalEntry } from '../assignments/journal-state.js';

/** What an operator does to a pool beside what the control plane wants of it. */
export interface PoolWish {
  readonly operationId: string;
  readonly kind: PoolChange['kind'];
  readonly poolId: string;
  readonly model: ModelSpec;
  /** The replica whose place is taken. */
  readonly replaces: { readonly key: string; readonly model: ReplicaModel } | null;
  /** Monotonic time by which what runs there has to have ended. */
  readonly deadlineMs: number;
  readonly generation: number;
  /** As the journal counts; what the control plane says later counts more. `null` until it is done. */
  readonly doneSeq: number | null;
}

export interface PoolChangesOptions {
  readonly nodeId: string;
  /** The journal's counter at this moment, and a generation that is newer than any in it. */
  seq(): number;
  generation(): number;
  /** Called after each change; must not throw. */
  onChange(): void;
}

/** Names the replica that an entry wants; `null` while nobody knows it. */
export type KeyOfEntry = (assignment: Assignment) => string | null;

/** No organisation can have this name, so that no instance is mistaken for a change. */
const HOLDER_ORG = '.pool';

/**
 * Changes of pools that no assignment says yet. Each holds until the control plane wants the same, or wants something else
 * of that pool; none survives the daemon. [C-262]
 */
export class PoolChanges {
  readonly #wishes = new Map<string, PoolWish>();

  constructor(private readonly options: PoolChangesOptions) {}

  /** Whatever failed before is tried anew for an operator. */
  add(asked: Omit<PoolWish, 'doneSeq' | 'generation'>): PoolWish {
    const wish: PoolWish = { ...asked, generation: this.options.generation(), doneSeq: null };
    this.#wishes.set(wish.operationId, wish);
    this.options.onChange();
    return wish;
  }

  /** It has come true: from now on the control plane is to take it over. Earlier changes that it undoes are over. */
  done(operationId: string, keyOf: KeyOfEntry): void {
    const wish = this.#wishes.get(operationId);
    if (wish === undefined || wish.doneSeq !== null) return;
    for (const other of this.#wishes.values()) {
      if (other !== wish && wish.replaces !== null && other.poolId === wish.poolId && keyOf(this.#entryOf(other).assignment) === wish.replaces.key) this.#wishes.delete(other.operationId);
    }
    this.#wishes.set(operationId, { ...wish, doneSeq: this.options.seq() });
    this.options.onChange();
  }

  remove(operationId: string): void {
    if (this.#wishes.delete(operationId)) this.options.onChange();
  }

  list(): readonly PoolWish[] {
    return [...this.#wishes.values()];
  }

  /** What the control plane is to take over in a pool. */
  doneIn(poolId: string): readonly PoolChange[] {
    return this.list()
      .filter((wish) => wish.poolId === poolId && wish.doneSeq !== null)
      .map(({ operationId, kind, model, replaces }) => ({ operation_id: operationId, kind, model, replaces: replaces?.model ?? null }));
  }

  /** Forgets what the control plane has taken over, or has decided otherwise since. */
  settle(entries: readonly JournalEntry[], keyOf: KeyOfEntry): void {
    for (const wish of this.list()) {
      if (wish.doneSeq === null) continue;
      const wanted = entries.filter(({ assignment }) => assignment.wanted === 'resident' && assignment.target.pool_id === wish.poolId);
      const isOverruled = wanted.some(({ assignment, acceptedSeq }) => acceptedSeq > (wish.doneSeq ?? 0) && keyOf(assignment) === wish.replaces?.key);
      const isTaken = wanted.some(({ assignment }) => keyOf(assignment) === keyOf(this.#entryOf(wish).assignment)) && !wanted.some(({ assignment }) => keyOf(assignment) === wish.replaces?.key);
      if (isOverruled || isTaken) this.#wishes.delete(wish.operationId);
    }
  }

  /** What is wanted of the node with the changes in it: a replica that is replaced is wanted by nobody, its model stays on disk. */
  effective(entries: readonly JournalEntry[], keyOf: KeyOfEntry): readonly JournalEntry[] {
    const wishes = this.list();
    if (wishes.length === 0) return entries;
    const mine = wishes.map((wish) => this.#entryOf(wish));
    return [...entries, ...mine].map((entry, n) => {
      const { assignment } = entry;
      // What was asked for later may want again what an earlier change has replaced.
      const since = Math.max(0, n - entries.length + 1);
      const by = wishes.slice(since).find((wish) => wish.replaces !== null && wish.poolId === assignment.target.pool_id && keyOf(assignment) === wish.replaces.key);
      return by === undefined || assignment.wanted !== 'resident' ? entry : { ...entry, assignment: { ...assignment, wanted: 'on_disk', reason: `the pool is reloaded to ${by.model.model_id}` } };
    });
  }

  /** The replica whose place an entry takes. */
  replacedBy(assignment: Assignment): string | undefined {
    return assignment.org_id === HOLDER_ORG ? this.#wishes.get(assignment.instance_id)?.replaces?.key : undefined;
  }

  /** How long what runs on a replica that is replaced may go on; `null` for any other. Until its place is taken the operation itself ends the wait, and revives it. [C-41] */
  drainMsOf(key: string, nowMs: number): number | null {
    const wish = this.list().find(({ replaces }) => replaces?.key === key);
    if (wish === undefined) return null;
    return Math.max(0, wish.deadlineMs - nowMs) + (wish.doneSeq === null ? REVIVE_MS : 0);
  }

  #entryOf({ operationId, kind, poolId, model, generation, doneSeq }: PoolWish): JournalEntry {
    const { nodeId } = this.options;
    const assignment: Assignment = {
      instance_id: operationId,
      org_id: HOLDER_ORG,
      tier: 'demand',
      wanted: 'resident',
      model_ref: model.model_id,
      model,
      digest: model.digest,
      config_hash: '',
      generation,
      source: 'api_load',
      reason: `an operator asked for a ${kind} of pool ${poolId}`,
      target: { node_id: nodeId, pool_id: poolId },
      correlation_id: operationId,
    };
    return { assignment, acceptedSeq: doneSeq ?? Number.MAX_SAFE_INTEGER };
  }
}

/** The operation looks more often than this whether its deadline has passed. */
const REVIVE_MS = 30_000;

/** The name under which an operation holds its replica. */
export function holderOf(operationId: string): string {
  return instanceKey({ org_id: HOLDER_ORG, instance_id: operationId });
}

/** Whether a holder is an operation. */
export function isOperators(holder: string): boolean {
  return holder.startsWith(`${HOLDER_ORG}/`);
}
