import type { ModelSpec } from '@corral/contracts';
import type { Log } from '@corral/service-kit';
import type { ResolvedInstance } from '../manifest/resolution.js';
import { indexOf } from '../manifest/manifest-index.js';
import type { ServedSource } from '../manifest/served-state.js';
import { listInstances, putInstance, type InstanceDefinition, type InstanceKey, type InstanceRecord } from '../store/instance-rows.js';
import type { Store } from '../store/open-store.js';
import { configHashOf } from './implicit-instance.js';

export interface InstanceRegistryOptions {
  readonly store: Store;
  readonly served: ServedSource;
  readonly log: Log;
}

/** One text per instance, equal to no other's. */
export function instanceKeyOf({ orgId, instanceId }: InstanceKey): string {
  return `${orgId}/${instanceId}`;
}

/** The instances of all orgs, as the store has them. Implicit ones come into being when they are first used. */
export class InstanceRegistry {
  readonly #records = new Map<string, InstanceRecord>();
  readonly #creating = new Set<string>();

  private constructor(private readonly options: InstanceRegistryOptions) {}

  static async open(options: InstanceRegistryOptions): Promise<InstanceRegistry> {
    const registry = new InstanceRegistry(options);
    for (const record of await listInstances(options.store.db)) registry.put(record);
    return registry;
  }

  list(): readonly InstanceRecord[] {
    return [...this.#records.values()];
  }

  find(key: InstanceKey): InstanceRecord | undefined {
    return this.#records.get(instanceKeyOf(key));
  }

  /** Explicit instances of one org, by id. */
  explicitOf(orgId: string): readonly InstanceRecord[] {
    return this.list().filter((record) => record.orgId === orgId && record.kind === 'explicit');
  }

  /** The row that an instance should have: an explicit one its own, an implicit one that of its route or model. */
  definitionOf(instance: ResolvedInstance, model: ModelSpec): InstanceDefinition {
    const known = this.find(instance);
    const config = known?.config ?? {};
    const { orgId, instanceId, tier } = instance;
    if (known?.kind === 'explicit') return known;
    return { orgId, instanceId, kind: 'implicit', name: null, status: 'active', origin: 'server', modelRef: model.model_id, tier, ttlS: this.#ttlOf(instanceId), config, configHash: configHashOf(config) };
  }

  /** A task uses the instance: where it has no row yet, it gets one. Failures are logged; the task does not depend on it. */
  touch(instance: ResolvedInstance, model: ModelSpec): void {
    const key = instanceKeyOf(instance);
    if (this.#records.has(key) || this.#creating.has(key)) return;
    this.#creating.add(key);
    const { store, log } = this.options;
    putInstance(store.db, this.definitionOf(instance, model), store.clock.nowMs())
      .then(
        (record) => this.put(record),
        (error: unknown) => log.error('instance not stored', { instance_id: instance.instanceId, org_id: instance.orgId, error }),
      )
      .finally(() => this.#creating.delete(key));
  }

  /** Takes over what a transaction wrote. */
  put(record: InstanceRecord): void {
    if (record.deletedAtMs === null) this.#records.set(instanceKeyOf(record), record);
    else this.#records.delete(instanceKeyOf(record));
  }

  #ttlOf(instanceId: string): number | null {
    return indexOf(this.options.served.current()).routeOfInstance.get(instanceId)?.ttlS ?? null;
  }
}
