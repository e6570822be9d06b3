import type { ApiError, MetricsFrame, StartedFrame } from '@corral/contracts';
import type { RelaySink } from '@corral/service-kit';

export interface UpstreamHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** How an answer ended. `completed`: the worker wrote its own terminal frame. */
export type Ending =
  | { readonly kind: 'completed' }
  | { readonly kind: 'canceled'; readonly tokensOut: number; readonly decodeTimeMs: number }
  | { readonly kind: 'failed'; readonly error: ApiError };

/**
 * Where one task's answer goes: a client's connection (`/v1`), or a log that readers attach to (`/v2`).
 * The task loop calls `started` once, `metrics` while the task waits, and `end` exactly once; the
 * dispatcher calls `open` at the head of the worker's answer. `end` before `open` is an answer of its own.
 */
export interface TaskOutput {
  started(frame: StartedFrame): void;
  metrics(frame: MetricsFrame): void;
  /** The sink's own `end` does nothing: how a stream ended is the task loop's to say. */
  open(head: UpstreamHead): RelaySink;
  end(ending: Ending): void;
  /** Aborted when nobody wants the answer any more. */
  readonly abandoned: AbortSignal;
}
