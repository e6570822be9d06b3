import type { BindingState } from './binding.js';

/** What one version of a binding is and has under way. */
export interface BindingLife {
  readonly state: BindingState;
  /** Requests that it accepted and that have not ended; never below 0. */
  readonly inFlight: number;
}

/**
 * `activate`: new requests go to it, for the first time or again. `retire`: another version, or none, has its place.
 * `accept` and `end`: a request begins and ends.
 */
export type BindingEvent = 'activate' | 'retire' | 'accept' | 'end';

/**
 * One step in the life of a version; `null` where the event cannot be: only an active version accepts, and only what was
 * accepted ends. A retired version is terminated as soon as nothing of it is under way. Pure. [F-05 F-16]
 */
export function stepBinding({ state, inFlight }: BindingLife, event: BindingEvent): BindingLife | null {
  switch (event) {
    case 'activate':
      return { state: 'active', inFlight };
    case 'retire':
      return { state: inFlight === 0 ? 'terminated' : 'draining', inFlight };
    case 'accept':
      return state === 'active' ? { state, inFlight: inFlight + 1 } : null;
    case 'end': {
      if (inFlight === 0) return null;
      const left = inFlight - 1;
      return { state: state === 'draining' && left === 0 ? 'terminated' : state, inFlight: left };
    }
  }
}
