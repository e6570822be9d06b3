import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { Metrics } from '@corral/service-kit';
import type { BindingStatus } from '../manifest/reloads.js';

type Counts = Pick<BindingStatus, 'received' | 'dispatched' | 'failed'>;

const NONE: Counts = { received: 0, dispatched: 0, failed: 0 };

/** The series of a binding, which go on over its versions: a reload neither resets nor ends them while the binding is there. [F-22] */
export class BindingMeter {
  /** `<id>@<version>` → what is in the counters already. */
  #counted = new Map<string, Counts>();
  #shown = new Set<string>();

  constructor(
    private readonly bindings: () => readonly BindingStatus[],
    private readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>,
  ) {}

  /** Brings the series up to now: at each scrape, and around each reload, after which a version may be forgotten. */
  readonly read = (): void => {
    const counted = new Map<string, Counts>();
    const inFlight = new Map<string, number>();
    const versions = new Map<string, number>();
    for (const binding of this.bindings()) {
      const { id, version, state, received, dispatched, failed } = binding;
      const name = `${id}@${version}`;
      this.#count(id, this.#counted.get(name) ?? NONE, binding);
      counted.set(name, { received, dispatched, failed });
      inFlight.set(id, (inFlight.get(id) ?? 0) + binding.inFlight);
      if (state === 'active') versions.set(id, version);
    }
    this.#counted = counted;
    for (const [binding, count] of inFlight) this.metrics.set('binding_in_flight', { binding }, count);
    for (const [binding, version] of versions) this.metrics.set('binding_version', { binding }, version);
    for (const binding of this.#shown) if (!versions.has(binding)) this.metrics.remove('binding_version', { binding });
    for (const binding of this.#shown) if (!inFlight.has(binding)) this.metrics.remove('binding_in_flight', { binding });
    this.#shown = new Set(inFlight.keys());
  };

  #count(binding: string, before: Counts, now: Counts): void {
    for (const event of ['received', 'dispatched', 'failed'] as const) {
      // A version that was forgotten and is back begins again.
      const more = now[event] >= before[event] ? now[event] - before[event] : now[event];
      this.metrics.inc('binding_requests_total', { binding, event }, more);
    }
  }
}
