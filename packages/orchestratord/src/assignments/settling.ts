import type { ModelSpec } from '@corral/contracts';
import { isVersionInstance, versionInstanceId } from '../instances/implicit-instance.js';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import { modelKeyOf } from '../manifest/model-key.js';
import { IMPLICIT_ORG } from '../manifest/resolve-model-ref.js';
import type { InstanceKey } from '../store/instance-rows.js';
import type { AssignmentView } from './assignment-view.js';
import type { ActiveInstance } from './demand.js';
import { targetOf } from './places-to-be.js';
import type { Wish } from './residency-input.js';
import type { WorldLook } from './residency-world.js';
import { heldVersions, supersededChanges, type Runs } from './superseded.js';
import type { WantedChange, WantedSet } from './wanted-set.js';

export interface SettlingParts {
  readonly models: Pick<ModelDirectory, 'specOfInstance' | 'implicitTier' | 'isMeant' | 'isSameReplica'>;
  readonly instances: Pick<InstanceRegistry, 'list' | 'find'>;
  readonly wanted: Pick<WantedSet, 'all' | 'apply' | 'forget'>;
  /** A fresh look at everything. */
  look(): WorldLook;
}

/** A model in a version that is not served yet, and the pool that its earlier version is in. */
export interface ToPrepare {
  readonly model: ModelSpec;
  readonly poolId: string;
}

/**
 * Keeps what is wanted in line with what is defined: instances of routes and models that are gone are deleted,
 * assignments of changed ones follow, and versions that only running requests need are held until these have ended.
 * The residency loop alone calls it, between its looks. [E-10 F-05 F-31]
 */
export class Settling {
  readonly #preparing = new Map<string, ToPrepare>();
  #isSettled = false;

  constructor(private readonly parts: SettlingParts) {}

  /** Definitions have changed. */
  unsettle(): void {
    this.#isSettled = false;
  }

  prepare(models: readonly ToPrepare[]): void {
    for (const one of models) this.#preparing.set(modelKeyOf(one.model), one);
  }

  endPreparing(): void {
    this.#preparing.clear();
  }

  isPreparing(modelKey: string): boolean {
    return this.#preparing.has(modelKey);
  }

  /** Versions that are prepared beside what serves: after everything that anybody waits for, and only in that pool. */
  wishes(): readonly Wish[] {
    return [...this.#preparing].map(([modelKey, { model, poolId }]): Wish => {
      const instance = { orgId: IMPLICIT_ORG, instanceId: versionInstanceId(modelKey), tier: 'demand' } as const;
      return { source: 'startup', demand: { modelKey, model, instance, priority: 'batch', oldestArrivalSeq: Number.MAX_SAFE_INTEGER, waitingMs: 0, waitingTasks: 0, placement: { mode: 'pin', pinPoolId: poolId } } };
    });
  }

  /** Rejects where nothing could be committed; then it is tried anew at the next call. */
  async settle(active: readonly ActiveInstance[]): Promise<void> {
    const { wanted } = this.parts;
    const held = heldVersions({ world: this.parts.look(), holders: active });
    await wanted.apply(held);
    if (!this.#isSettled) await this.#follow(active);
    const isNeeded = (key: InstanceKey): boolean => active.some(({ instanceId }) => instanceId === key.instanceId) || [...this.#preparing.keys()].some((modelKey) => versionInstanceId(modelKey) === key.instanceId);
    const over = this.parts.look().views.filter((view) => isVersionInstance(view.assignment.instance_id) && !isNeeded(keyOf(view)));
    await wanted.apply(over.filter(({ assignment }) => assignment.wanted === 'resident').map(letGo));
    await wanted.forget(over.filter(({ assignment }) => assignment.wanted !== 'resident').map(keyOf));
  }

  async #follow(active: readonly ActiveInstance[]): Promise<void> {
    const { wanted, instances, models, look } = this.parts;
    const gone = instances.list().filter((record) => record.kind === 'implicit' && !isVersionInstance(record.instanceId) && (models.implicitTier(record) === null || !models.isMeant(record.modelRef)));
    await wanted.forget(gone);
    const { changes, isPostponed } = supersededChanges({ world: look(), holders: active, runsOf: (view) => this.#runsOf(view), isSameReplica: models.isSameReplica });
    await wanted.apply(changes);
    this.#isSettled = !isPostponed;
  }

  #runsOf(view: AssignmentView): Runs | null {
    const { models, instances } = this.parts;
    const { assignment } = view;
    const record = instances.find(keyOf(view));
    const model = isVersionInstance(assignment.instance_id) ? undefined : models.specOfInstance(keyOf(view), assignment.model.model_id);
    if (record === undefined || model === undefined) return null;
    return { model, tier: record.kind === 'implicit' ? (models.implicitTier(record) ?? assignment.tier) : assignment.tier };
  }
}

function keyOf({ assignment }: AssignmentView): InstanceKey {
  return { orgId: assignment.org_id, instanceId: assignment.instance_id };
}

/** The last request of an earlier definition has ended: its node hears at once, and its row goes with the next look. */
function letGo(view: AssignmentView): WantedChange {
  const { model, tier } = view.assignment;
  return { instance: { ...keyOf(view), tier }, model, wanted: 'on_disk', event: 'unload', target: targetOf(view), source: 'watchdog', reason: `no request of this definition of ${model.model_id} is under way any more` };
}
