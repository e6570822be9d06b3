import { instanceKeyOf, type InstanceRegistry } from '../instances/instance-registry.js';
import { indexOf } from '../manifest/manifest-index.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { ServedSource } from '../manifest/served-state.js';
import type { InstanceKey } from '../store/instance-rows.js';
import type { CallDesk } from './call-desk.js';
import type { ActiveInstance, Demand } from './demand.js';
import type { FailureWatch } from './failure-watch.js';
import { heldWishes, sharingWishes } from './held-wishes.js';
import type { Wish } from './residency-input.js';
import { isAttached, type WorldLook } from './residency-world.js';

export interface WishesParts {
  readonly served: ServedSource;
  readonly instances: Pick<InstanceRegistry, 'list' | 'find'>;
  readonly models: Pick<ModelDirectory, 'specOf' | 'isRetired'>;
  readonly failures: Pick<FailureWatch, 'blocking'>;
  readonly calls: Pick<CallDesk, 'askedSeq' | 'isOpen'>;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  /** After the start, a node that was not heard of yet keeps what it has for so long. */
  readonly nodeGraceMs: number;
  /** Versions that are to be there before they are served. */
  prepared(): readonly Wish[];
}

/** Who wants something in device memory: tasks that wait, what loads hold, and versions that are prepared. */
export class Wishes {
  constructor(private readonly parts: WishesParts) {}

  /** What should be resident although no task waits for it. */
  standing(askedSeq?: (key: string) => number | null): readonly Wish[] {
    const { served, instances, models } = this.parts;
    return heldWishes(indexOf(served.current()).hotRoutes, instances.list(), models.specOf, askedSeq);
  }

  /** What is to be planned now: not what an attached server has, what has just failed, nor what waits for its publish. Tasks that wait come first. */
  due({ demands, active, world, nowMs }: { readonly demands: readonly Demand[]; readonly active: readonly ActiveInstance[]; readonly world: WorldLook; readonly nowMs: number }): readonly Wish[] {
    const { instances, models, calls, failures, prepared } = this.parts;
    const waited = demands.map((demand): Wish => ({ demand, source: 'demand' }));
    const held = this.standing((key) => calls.askedSeq(key)).filter(({ demand }) => !calls.isOpen(instanceKeyOf(demand.instance)) && !this.#isAwaitingNode(demand.instance, world, nowMs));
    const sharing = sharingWishes(active, instances.find.bind(instances), models.specOf, (modelKey) => world.residentIn.has(modelKey));
    return [...waited, ...sharing, ...held, ...prepared()].filter(({ demand }) => !models.isRetired(demand.model.model_id) && !isAttached(world, demand) && failures.blocking(demand.modelKey, nowMs) === undefined);
  }

  /** Models that anyone wants, whether or not that can be planned now. */
  modelKeys(demands: readonly Demand[]): ReadonlySet<string> {
    const wished = [...this.standing(), ...this.parts.prepared()].map(({ demand }) => demand);
    return new Set([...demands, ...wished].map(({ modelKey }) => modelKey));
  }

  /** Its node may have it still and has only not reported since this daemon started. */
  #isAwaitingNode(instance: InstanceKey, world: WorldLook, nowMs: number): boolean {
    const { startedAtMs, nodeGraceMs } = this.parts;
    if (nowMs - startedAtMs >= nodeGraceMs) return false;
    const view = world.viewOf(instanceKeyOf(instance));
    return view?.assignment.wanted === 'resident' && view.place === undefined;
  }
}
