import type { ReplicaSpec } from '@corral/engine';
import { formatBytes, messageOf } from '@corral/service-kit';
import type { Failure } from './failure.js';
import { watchHealth } from './health-watch.js';
import { endOf, LoadError, loadReplica } from './load-replica.js';
import type { LiveReplica } from './load-replica.js';
import { Leases } from './leases.js';
import type { Lease } from './leases.js';
import { newReplica } from './new-replica.js';
import type { ReplicaAction, WantedReplica } from './plan-replicas.js';
import { nextReplicaId } from './replica-id.js';
import { parkReplica, resumeReplica, savePrefixes } from './keep-near.js';
import type { KeepNearPorts, NearReplica } from './keep-near.js';
import { heldBytes, isOfPool } from './replica.js';
import type { Replica } from './replica.js';
import type { ReplicaPlace, ReplicaSetOptions } from './replica-set-options.js';
import { specOfReplica } from './spec-of-replica.js';
import { RestartBook } from './restart-book.js';
import { stepReplica } from './step-replica.js';
import type { ReplicaEvent } from './step-replica.js';

/** The way to a resident replica for one request. */
export interface ReplicaLease {
  readonly replica: Replica;
  readonly client: LiveReplica['client'];
  readonly lease: Lease;
}

export type LeaseRefusal = 'unknown' | 'not_resident' | 'exhausted';

interface Work {
  readonly controller: AbortController;
  live: LiveReplica | null;
  /** Its weights are mapped from the staging area. */
  readonly isStaged: boolean;
  readonly prefixFolder: string | null;
}

/**
 * The replicas of this node and their processes: the only place that starts and stops one.
 *
 * It does what a plan says and decides nothing but what a crash or the end of a load brings with it.
 */
export class ReplicaSet {
  readonly #replicas = new Map<string, Replica>();
  readonly #work = new Map<string, Work>();
  readonly #leases: Leases;
  readonly #book = new RestartBook();
  readonly #cut = new Map<string, number>();
  /** Processes that have not ended. */
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;

  constructor(private readonly options: ReplicaSetOptions) {
    this.#leases = new Leases((replicaId) => this.#tellLeases(replicaId));
  }

  list(): readonly Replica[] {
    return [...this.#replicas.values()];
  }

  inPool(poolId: string): readonly Replica[] {
    return this.list().filter((replica) => replica.poolId === poolId);
  }

  leases(replicaId: string): number {
    return this.#leases.count(replicaId);
  }

  /** Requests that were running on replicas of the pool when those were stopped, since the start. */
  cutIn(poolId: string): number {
    return this.#cut.get(poolId) ?? 0;
  }

  /** A slot of a replica for one request, or why there is none. [C-20 C-21] */
  lease(poolId: string, replicaId: string): ReplicaLease | LeaseRefusal {
    const replica = this.#replicas.get(replicaId);
    const live = this.#work.get(replicaId)?.live ?? null;
    if (replica === undefined || replica.poolId !== poolId) return 'unknown';
    if (replica.phase.state !== 'resident' || live === null || this.#isClosed) return 'not_resident';
    const lease = this.#leases.take(replicaId, replica.slots);
    if (lease === null) return 'exhausted';
    this.#tellLeases(replicaId);
    return { replica, client: live.client, lease };
  }

  /** Does one step of a plan. `cause` says why, for the log. */
  apply(action: ReplicaAction, place: ReplicaPlace, { cause, drainMs }: { readonly cause: string; readonly drainMs: number }): void {
    if (this.#isClosed) return;
    const nowMs = this.options.clock.monotonicMs();
    switch (action.type) {
      case 'create':
        return this.#create(action.wanted, place);
      case 'discard':
        return this.#remove(action.replicaId, cause);
      case 'start':
        return this.#start(action.replicaId, place);
      case 'drain':
        return this.#post(action.replicaId, { type: 'drain_begun', nowMs, deadlineMs: nowMs + drainMs }, cause);
      case 'revive':
        return this.#post(action.replicaId, { type: 'revived', nowMs }, 'it is wanted again');
      case 'steady':
        return this.#post(action.replicaId, { type: 'steadied', nowMs }, 'it has run well since');
      case 'park':
        this.#post(action.replicaId, { type: 'park_begun', nowMs }, 'it has drained and is kept near');
        return this.#track(this.#park(action.replicaId));
      case 'await':
        return this.#post(action.replicaId, { type: 'awaited', nowMs }, 'it is wanted again');
      case 'resume':
        this.#post(action.replicaId, { type: 'resume_begun', nowMs }, 'it is wanted again');
        return this.#track(this.#resume(action.replicaId));
      case 'stop':
        return this.#stop(action.replicaId, cause);
      case 'retry': {
        const { latestGeneration: generation, memoryBytes, modelPath } = action.wanted;
        return this.#post(action.replicaId, { type: 'retried', nowMs, generation, memoryBytes, modelPath }, action.isAnew ? 'it is asked for anew' : 'its wait is over');
      }
      case 'fail':
        return this.#post(action.replicaId, { type: 'load_failed', nowMs, failure: action.failure, random: this.options.random() }, 'not enough memory');
    }
  }

  /** Gives a draining replica less time. */
  hasten(replicaId: string, deadlineMs: number): void {
    const replica = this.#replicas.get(replicaId);
    if (replica?.phase.state !== 'draining' || replica.phase.deadlineMs <= deadlineMs) return;
    this.#replicas.set(replicaId, { ...replica, phase: { ...replica.phase, deadlineMs } });
  }

  /** Forgets what failed in a pool: breakers close, waits end. [C-52] */
  reset(poolId: string): void {
    this.#book.forget((key) => isOfPool(key, poolId));
    for (const { replicaId } of this.inPool(poolId)) this.#post(replicaId, { type: 'reset', nowMs: this.options.clock.monotonicMs() }, 'somebody has reset the pool');
  }

  /** Ends every process and takes no more work. All are gone when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { replicaId, phase } of this.list()) {
      if (phase.state === 'waiting' || phase.state === 'failed') this.#remove(replicaId, 'the daemon stops');
      else this.#stop(replicaId, 'the daemon stops');
    }
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #create(wanted: WantedReplica, place: ReplicaPlace): void {
    const replicaId = nextReplicaId(wanted, new Set(this.#replicas.keys()));
    const replica = newReplica(wanted, { replicaId, threads: place.threadsPerReplica, nowMs: this.options.clock.monotonicMs(), restart: this.#book.get(wanted.key) });
    this.#replicas.set(replicaId, replica);
    this.options.onChange({ from: null, to: replica, cause: 'an assignment wants it', leases: 0 });
  }

  #remove(replicaId: string, cause: string): void {
    const from = this.#replicas.get(replicaId);
    if (from === undefined) return;
    this.#replicas.delete(replicaId);
    this.options.onChange({ from, to: null, cause, leases: 0 });
  }

  #start(replicaId: string, place: ReplicaPlace): void {
    const replica = this.#replicas.get(replicaId);
    if (replica === undefined || replica.phase.state !== 'waiting') return;
    this.#post(replicaId, { type: 'load_begun', nowMs: this.options.clock.monotonicMs() }, 'its turn and its memory have come');
    const weights = place.isAttached === true ? { path: replica.modelPath, release: () => undefined } : this.options.weightsOf(replica);
    const { prefixes } = this.options.near;
    const prefixFolder = place.isAttached === true ? null : (prefixes?.folderOf(replica.digest, replica.key) ?? null);
    if (prefixFolder !== null) prefixes?.used(prefixFolder);
    const work: Work = { controller: new AbortController(), live: null, isStaged: weights.path !== replica.modelPath, prefixFolder };
    this.#work.set(replicaId, work);
    this.#track(this.#run(replicaId, { ...specOfReplica(replica, place, { ...this.options, modelPath: weights.path }), prefixFolder }, work, place).finally(weights.release));
  }

  /** One process from its start to its end. Never rejects. */
  async #run(replicaId: string, spec: ReplicaSpec, work: Work, place: ReplicaPlace): Promise<void> {
    const { clock, random } = this.options;
    let failure: Failure | null = null;
    try {
      const provider = this.options.providerOf?.(this.#replicas.get(replicaId)?.engineId ?? null) ?? this.options.provider;
      const live = await loadReplica(spec, { ...this.options, provider }, {
        signal: work.controller.signal,
        onProgress: (fraction) => this.#post(replicaId, { type: 'progressed', fraction }, 'progress'),
      });
      // Called off in the moment in which the load succeeded.
      if (work.controller.signal.aborted) await this.#end(live);
      else failure = await this.#serve(replicaId, live, work, place);
    } catch (thrown) {
      const why: Failure = thrown instanceof LoadError ? thrown.failure : { kind: 'load', reason: 'refused', message: messageOf(thrown) };
      this.#work.delete(replicaId);
      if (!work.controller.signal.aborted) return this.#post(replicaId, { type: 'load_failed', nowMs: clock.monotonicMs(), failure: why, random: random() }, 'the load failed');
    }
    this.#work.delete(replicaId);
    this.#post(replicaId, { type: 'gone', nowMs: clock.monotonicMs(), failure, random: random() }, causeOf(failure));
  }

  /** Resolves when the process has ended: with its own account where nobody asked for it, with ours where it had to be ended. */
  async #serve(replicaId: string, live: LiveReplica, work: Work, place: ReplicaPlace): Promise<Failure | null> {
    const { clock, health, onHealth } = this.options;
    const memoryBytes = await this.#weigh(replicaId, live, place);
    work.live = live;
    this.#post(replicaId, { type: 'loaded', nowMs: clock.monotonicMs(), readyAtMs: clock.nowMs(), pid: live.engine.pid, socketPath: live.engine.socketPath, memoryBytes, parkBytes: this.#parkBytes(live, work, place) }, 'the first token came');
    const gone = new AbortController();
    const exited = live.engine.exited.finally(() => gone.abort());
    const hung = await watchHealth({ client: live.client, clock, limits: health, onOutcome: (outcome) => onHealth(place.poolId, outcome) }, gone.signal);
    // A stopped process hears no SIGTERM.
    if (hung !== null) await live.engine.stop(0);
    const exit = await exited;
    await live.client.close();
    return hung ?? endOf(exit, 'crash');
  }

  /** What the replica really takes. One that takes more than was free is ended: the pool's memory is a promise. [C-14] */
  async #weigh(replicaId: string, live: LiveReplica, place: ReplicaPlace): Promise<number> {
    const { weightsBytes, contextBytes } = live.engine.info.memory;
    const memoryBytes = weightsBytes + contextBytes;
    const replica = this.#replicas.get(replicaId);
    if (replica !== undefined && place.isAttached !== true) this.options.onMeasured(replica, place.deviceKind, { weightsBytes, contextBytes });
    const others = this.inPool(place.poolId).filter((other) => other.replicaId !== replicaId);
    const freeBytes = place.memoryTotalBytes - others.reduce((sum, other) => sum + heldBytes(other), 0);
    if (memoryBytes <= freeBytes) return memoryBytes;
    await this.#end(live);
    throw new LoadError({ kind: 'memory', reason: 'memory', message: `the replica took ${formatBytes(memoryBytes)} where ${formatBytes(freeBytes)} of ${formatBytes(place.memoryTotalBytes)} were free; use a smaller context, fewer slots or a larger pool` });
  }

  #stop(replicaId: string, cause: string): void {
    const before = this.#replicas.get(replicaId);
    if (before !== undefined) this.#cut.set(before.poolId, this.cutIn(before.poolId) + this.#leases.count(replicaId));
    this.#post(replicaId, { type: 'stop_begun', nowMs: this.options.clock.monotonicMs() }, cause);
    const work = this.#work.get(replicaId);
    work?.controller.abort(new Error(cause));
    const near = this.#nearOf(replicaId);
    if (before === undefined || near === null) return;
    const hasContext = before.phase.state === 'resident' || before.phase.state === 'draining';
    const saved = hasContext ? savePrefixes(before, near, this.#nearPorts) : Promise.resolve();
    this.#track(saved.then(() => near.live.engine.stop(this.options.stopMs)));
  }

  /** From the drain to the parked state; where that fails, to the end of the process. */
  async #park(replicaId: string): Promise<void> {
    const [replica, near] = [this.#replicas.get(replicaId), this.#nearOf(replicaId)];
    if (replica === undefined || near === null) return;
    try {
      await savePrefixes(replica, near, this.#nearPorts);
      const held = await parkReplica(near, this.#nearPorts);
      this.#post(replicaId, { type: 'parked', nowMs: this.options.clock.monotonicMs(), heldBytes: held }, 'its context is gone');
    } catch (error) {
      if (this.#replicas.get(replicaId)?.phase.state === 'parking') this.#stop(replicaId, `it could not be parked: ${messageOf(error)}`);
    }
  }

  /** From the parked state to the first token; where that fails the process is ended, and the model is loaded. */
  async #resume(replicaId: string): Promise<void> {
    const [replica, near] = [this.#replicas.get(replicaId), this.#nearOf(replicaId)];
    if (replica === undefined || near === null) return;
    const { clock, log } = this.options;
    try {
      await resumeReplica(replica, near, this.#nearPorts);
      this.#post(replicaId, { type: 'resumed', nowMs: clock.monotonicMs(), readyAtMs: clock.nowMs() }, 'the first token came');
    } catch (error) {
      log.warn('a parked replica did not come back', { replica_id: replicaId, error: messageOf(error) });
      await near.live.engine.stop(0);
    }
  }

  #nearOf(replicaId: string): NearReplica | null {
    const work = this.#work.get(replicaId);
    return work?.live ? { live: work.live, isStaged: work.isStaged, prefixFolder: work.prefixFolder } : null;
  }

  get #nearPorts(): KeepNearPorts {
    const { clock, log, near } = this.options;
    return { ...near, clock, log };
  }

  /** What it would hold parked, its own memory aside, which nobody knows before. */
  #parkBytes(live: LiveReplica, { isStaged }: Work, { deviceKind, isAttached }: ReplicaPlace): number | null {
    const { parking } = this.options.near;
    if (parking === null || isAttached === true || deviceKind !== 'cpu' || !(isStaged || parking.unstaged)) return null;
    return isStaged ? 0 : live.engine.info.memory.weightsBytes;
  }

  async #end(live: LiveReplica): Promise<void> {
    await live.engine.stop(0);
    await live.client.close();
  }

  #tellLeases(replicaId: string): void {
    this.options.onLeases(this.#replicas.get(replicaId)?.phase.state === 'draining');
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  #post(replicaId: string, event: ReplicaEvent, cause: string): void {
    const from = this.#replicas.get(replicaId);
    if (from === undefined) return;
    const step = stepReplica(from, event, this.options.restart);
    if (step.kind === 'ignored') return;
    this.#book.keep(step.kind === 'removed' ? from : step.next);
    if (step.kind === 'removed') this.#replicas.delete(replicaId);
    else this.#replicas.set(replicaId, step.next);
    this.options.onChange({ from, to: step.kind === 'removed' ? null : step.next, cause, leases: this.#leases.count(replicaId) });
  }
}

function causeOf(failure: Failure | null): string {
  if (failure === null) return 'its process has ended';
  return failure.reason === 'hang' || failure.reason === 'unhealthy' ? 'its process had to be ended' : 'its process ended by itself';
}
