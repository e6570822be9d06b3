import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { Metrics } from '@corral/service-kit';
import type { BindingRegistry } from '../manifest/binding-registry.js';

/**
 * The series of bindings: requests are counted as they come and end, so that the counters go on over versions and over
 * a binding's absence; what is in flight is read at each scrape. [F-46]
 */
export class BindingMeter {
  #shown: ReadonlySet<string> = new Set();

  constructor(
    private readonly bindings: Pick<BindingRegistry, 'statuses' | 'countInto'>,
    private readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>,
  ) {
    bindings.countInto((binding, event) => metrics.inc('binding_requests_total', { binding, event }));
  }

  readonly read = (): void => {
    const inFlight = new Map<string, number>();
    const versions = new Map<string, number>();
    for (const { id, version, state, inFlight: count } of this.bindings.statuses()) {
      inFlight.set(id, (inFlight.get(id) ?? 0) + count);
      if (state === 'active') versions.set(id, version);
    }
    for (const [binding, count] of inFlight) this.metrics.set('binding_in_flight', { binding }, count);
    for (const [binding, version] of versions) this.metrics.set('binding_version', { binding }, version);
    for (const binding of this.#shown) {
      if (!versions.has(binding)) this.metrics.remove('binding_version', { binding });
      if (!inFlight.has(binding)) this.metrics.remove('binding_in_flight', { binding });
    }
    this.#shown = new Set(inFlight.keys());
  };
}
