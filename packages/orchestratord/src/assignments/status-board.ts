import type { ResidencyPlan } from '@corral/orchestrator-core';
import type { Clock } from '@corral/service-kit';
import { instanceKeyOf, type InstanceRegistry } from '../instances/instance-registry.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { InstanceKey } from '../store/instance-rows.js';
import { isStagedOn, modelOn } from './assignment-view.js';
import type { ModelStatus } from './demand.js';
import type { FailureWatch } from './failure-watch.js';
import { instanceState } from './instance-state.js';
import type { InstanceState } from './lifecycle.js';
import { ModelStates } from './model-states.js';
import { statusNow, type StatusNow } from './model-status.js';
import type { PlannedWish } from './plan-changes.js';
import { loadEstimateMs } from './residency-input.js';
import type { ResidencyLog } from './residency-log.js';
import type { ResidencyMemory } from './residency-memory.js';
import { awayReason, type WorldLook } from './residency-world.js';

export interface StatusBoardParts {
  readonly memory: ResidencyMemory;
  readonly failures: FailureWatch;
  readonly told: ResidencyLog;
  readonly instances: Pick<InstanceRegistry, 'find'>;
  readonly models: Pick<ModelDirectory, 'specOf'>;
  readonly clock: Clock;
  /** The latest look at everything. */
  world(): WorldLook;
}

/** What anybody can see of models and instances, and who is told when it changes. */
export class StatusBoard {
  readonly #states = new ModelStates();
  readonly #listeners = new Set<(modelKey: string) => void>();
  #plans: ReadonlyMap<string, ResidencyPlan> = new Map();

  constructor(private readonly parts: StatusBoardParts) {}

  /** The plans of the last pass, by model key. */
  get plans(): ReadonlyMap<string, ResidencyPlan> {
    return this.#plans;
  }

  /** Of several wishes for one model, the first is the one that waits. */
  planned(planned: readonly PlannedWish[]): void {
    this.#plans = new Map(planned.toReversed().map(({ wish, plan }) => [wish.demand.modelKey, plan]));
  }

  statusOf(modelKey: string): ModelStatus {
    return this.#states.withSince(modelKey, this.#statusNow(modelKey, this.parts.world()), this.parts.clock.monotonicMs());
  }

  stateOf(key: InstanceKey): InstanceState {
    const { instances, models, memory } = this.parts;
    const world = this.parts.world();
    const view = world.viewOf(instanceKeyOf(key));
    const record = instances.find(key);
    const isHeldWarm = record?.heldTier === 'warm';
    const model = view?.assignment.model ?? models.specOf(record?.modelRef ?? '');
    if (model === undefined) return instanceState({ view, status: this.statusOf(''), residentIn: [], attached: null, isOnDisk: false, isHeldWarm, loadMs: null });
    const modelKey = world.modelKeyOf(model);
    const sizes = world.places.flatMap((place) => modelOn(place, model)?.size_bytes ?? []);
    const online = world.places.filter((place) => place.online);
    const estimates = online.flatMap((place) => loadEstimateMs(place, model, sizes[0] ?? null) ?? []);
    const from = online.some((place) => isStagedOn(place, modelOn(place, model)?.digest ?? model.digest)) ? 'staged' : 'on_disk';
    return instanceState({
      view,
      status: this.statusOf(modelKey),
      residentIn: world.residentIn.get(modelKey) ?? [],
      attached: world.attachedIn.get(modelKey)?.[0] ?? null,
      isOnDisk: sizes.length > 0,
      isHeldWarm,
      loadMs: memory.lastLoadMs(modelKey, from) ?? (estimates.length === 0 ? null : Math.min(...estimates)),
    });
  }

  onChange(listener: (modelKey: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Tells listeners of every model whose state is another one than at the last look; `waitedFor` are models that tasks wait for. */
  tellChanges(before: WorldLook, waitedFor: readonly string[]): void {
    const { clock, told } = this.parts;
    const world = this.parts.world();
    const nowMs = clock.monotonicMs();
    const keys = new Set([...this.#states.keys(), ...waitedFor, ...before.residentIn.keys(), ...world.views.map(({ modelKey }) => modelKey)]);
    const changed = [...keys].filter((key) => {
      const now = this.#statusNow(key, world);
      const known = this.#states.note(key, now, nowMs);
      if (known !== null) told.changed(world.nameOfModel(key), known, { ...now, sinceMs: 0 });
      return known !== null;
    });
    for (const key of changed) for (const listener of [...this.#listeners]) listener(key);
  }

  close(): void {
    this.#listeners.clear();
  }

  #statusNow(modelKey: string, world: WorldLook): StatusNow {
    const { memory, failures, clock } = this.parts;
    return statusNow({
      modelId: world.nameOfModel(modelKey),
      views: world.viewsOf(modelKey),
      residentIn: world.residentIn.get(modelKey) ?? [],
      plan: this.#plans.get(modelKey),
      away: awayReason(world.pools, world.nameOfModel(modelKey)),
      failure: failures.get(modelKey),
      lastLoadMs: (from) => memory.lastLoadMs(modelKey, from),
      nowMs: clock.monotonicMs(),
      wasResident: world.wasResident,
      nameOfModel: world.nameOfModel,
      nameOfReplica: world.nameOfReplica,
    });
  }
}
