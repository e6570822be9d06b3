import type { WantedSet } from './wanted-set.js';
import type { ActiveInstance, ModelStatus } from './demand.js';
import { Errands } from './errands.js';
import type { FailureWatch } from './failure-watch.js';
import { modelKeyOf } from '../manifest/model-key.js';
import { instanceKeyOf, type InstanceRegistry } from '../instances/instance-registry.js';
import type { InstanceKey } from '../store/instance-rows.js';
import { Settling, type SettlingParts, type ToPrepare } from './settling.js';
import type { StatusBoard } from './status-board.js';
import type { Wish } from './residency-input.js';

export interface DefinitionChangesParts extends SettlingParts {
  readonly wanted: Pick<WantedSet, 'all' | 'apply' | 'forget'>;
  readonly instances: Pick<InstanceRegistry, 'list' | 'find'>;
  readonly failures: Pick<FailureWatch, 'retry'>;
  /** The statuses as they were last told. */
  board(): Pick<StatusBoard, 'plans' | 'statusOf'>;
  /** Instances with tasks that run or wait. */
  active(): readonly ActiveInstance[];
  /** A call for it waits for its publish: nothing else is decided about it. */
  isOpen(instanceKey: string): boolean;
  poke(): void;
}

/** How far a model is that is prepared before it is served. */
export interface Preparation {
  readonly state: 'resident' | 'coming' | 'no_room' | 'failed';
  /** Why, in one sentence. */
  readonly message: string;
}

/** The part of the residency loop that follows what is defined: what a reload asks of it, and what each look begins with. [F-31 F-32] */
export class DefinitionChanges {
  readonly #settling: Settling;
  readonly #errands = new Errands();

  constructor(private readonly parts: DefinitionChangesParts) {
    this.#settling = new Settling(parts);
  }

  /** Runs a job while nothing is decided; what it sees stays as it is until it ends. */
  between<T>(job: () => Promise<T> | T): Promise<T> {
    const done = this.#errands.add(job);
    this.parts.poke();
    return done;
  }

  /** Versions that are to be there before they are served, where there is room beside what is. */
  prepare(models: readonly ToPrepare[]): void {
    this.#settling.prepare(models);
    for (const { model } of models) this.parts.failures.retry(modelKeyOf(model));
    this.parts.poke();
  }

  /** How far one of them is: `no_room` where something would have to leave for it. */
  preparation(modelKey: string): Preparation {
    const board = this.parts.board();
    const plan = board.plans.get(modelKey);
    const { state, message }: ModelStatus = board.statusOf(modelKey);
    if (state === 'failed' || state === 'resident') return { state, message };
    const isCrowded = state === 'impossible' || plan?.kind === 'wait' || plan?.kind === 'impossible' || (plan?.kind === 'load' && plan.yields.length > 0);
    return { state: isCrowded ? 'no_room' : 'coming', message };
  }

  isPreparing(modelKey: string): boolean {
    return this.#settling.isPreparing(modelKey);
  }

  endPreparing(): void {
    this.#settling.endPreparing();
    this.parts.poke();
  }

  /** Pools that have a replica of the model which serves. */
  poolsWith(modelKey: string): readonly string[] {
    return this.parts.look().residentIn.get(modelKey) ?? [];
  }

  /** What is served has changed: what is wanted follows. Only within {@link between}; rejects where that could not be committed. */
  follow(): Promise<void> {
    this.#settling.unsettle();
    return this.#settling.settle(this.parts.active());
  }

  /** What a look wants for versions that are prepared. */
  wishes(): readonly Wish[] {
    return this.#settling.wishes();
  }

  /** Does what waits, follows definitions, and wants nothing any more of an instance that was deleted. Rejects where that could not be committed. */
  async beforeLook(): Promise<void> {
    const { wanted, instances, active, isOpen } = this.parts;
    await this.#errands.run();
    await this.#settling.settle(active());
    const all = wanted.all().map(({ org_id, instance_id }): InstanceKey => ({ orgId: org_id, instanceId: instance_id }));
    await wanted.forget(all.filter((key) => instances.find(key) === undefined && !isOpen(instanceKeyOf(key))));
  }

  close(): void {
    this.#errands.close();
  }
}
