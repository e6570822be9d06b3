import type { EventEnvelope, EventType } from '@corral/contracts';

/** Who an event is for: commands go to a node, what happened goes to the control plane. [E-03 G-20] */
export type EventTarget = { readonly kind: 'node'; readonly nodeId: string } | { readonly kind: 'control_plane' };

/**
 * What became of a publish. Only `confirmed` means that the target, or a broker for it, has the event durably.
 *
 * `refused`: the target will never take it, so trying again is pointless. `unavailable`: try again later. [E-08]
 */
export type PublishOutcome =
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** What to do with each type of event. A type without a handler is taken and forgotten. */
export type EventHandlers = { readonly [K in EventType]?: (event: EventEnvelope<K>) => Promise<void> | void };

/** How a bus is doing, for health and metrics. [E-11] */
export interface BusState {
  readonly mode: 'rabbitmq' | 'http';
  /** With a broker: whether this side can publish. Without: whether the last delivery worked. */
  readonly connected: boolean;
  /** Whether what is sent to this side reaches it. */
  readonly consuming: boolean;
  /** When the last publish was confirmed, in Unix milliseconds; `null` before the first. */
  readonly lastPublishMs: number | null;
  /** When the last event arrived, in Unix milliseconds; `null` before the first. */
  readonly lastEventMs: number | null;
  /** Why it is not connected, or why the last publish failed; `null` after one that worked. */
  readonly lastError: string | null;
}

/**
 * Carries events between the daemons, at least once and in any order. Handlers must bear repetition. [E-03 E-10]
 *
 * A transport is one folder that implements this and passes the conformance suite of the test kit.
 */
export interface EventBus {
  /** As of now; cheap. */
  state(): BusState;
  /** Publishes that one publisher may have under way at once; started in order, they arrive in order. */
  readonly inFlightMax: number;
  /** Called when publishing may work again. Returns the end of the subscription. */
  onConnected(listener: () => void): () => void;
  /** Never rejects. */
  publish(event: EventEnvelope, target: EventTarget): Promise<PublishOutcome>;
  /** A handler that throws makes the event come again. Returns the end of the subscription. */
  subscribe(handlers: EventHandlers): () => void;
  /** Afterwards every publish is `unavailable` and nothing is delivered. */
  close(): Promise<void>;
}

/** Told of every event that passed, for metrics. */
export interface BusObserver {
  published(type: EventType, outcome: PublishOutcome['kind']): void;
  /** `type` is `unknown` where the event did not say one that is known. */
  consumed(type: EventType | 'unknown', outcome: Disposition['kind']): void;
}

/** What a consumer does with one delivery; a broker's adapter maps it to ack and nack and nothing more. [C-83] */
export type Disposition =
  /** Handled, or of no interest here. */
  | { readonly kind: 'ack' }
  /** It can never be handled. */
  | { readonly kind: 'dead_letter'; readonly reason: string }
  /** A handler failed; it should come again. */
  | { readonly kind: 'retry'; readonly reason: string };
