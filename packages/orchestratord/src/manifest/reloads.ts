import type { BindingKind, BindingState, ReloadSummary } from '@corral/orchestrator-core';
import type { ManifestProblem } from './manifest-error.js';

/** The doors that lead to a reload. [F-02] */
export type ReloadSource = 'admin_api' | 'cli' | 'signal' | 'file_watch';

/** The steps of a reload, in order; `open` is the check of the request itself. [F-03] */
export const RELOAD_STEPS = ['open', 'validate', 'resolve', 'prepare', 'reconcile', 'activate', 'drain'] as const;
export type ReloadStep = (typeof RELOAD_STEPS)[number];

/** `validation`: the manifest cannot be served. `activation`: it could, but taking it up failed and was taken back. `rollback_failed`: so did that. [G-47] */
export type ReloadErrorKind = 'validation' | 'activation' | 'rollback_failed';

export interface ReloadRequest {
  readonly source: ReloadSource;
  /** What the caller believes is served; `null` = whatever it is. Another path than the server's own is refused. */
  readonly path: string | null;
  readonly correlationId: string;
}

interface ReloadFacts {
  readonly source: ReloadSource;
  readonly correlationId: string;
  /** When it ended, Unix milliseconds. */
  readonly at: number;
  /** Without the wait for the reload before it. */
  readonly durationMs: number;
  /** The steps that were begun, the last one included. */
  readonly steps: readonly { readonly step: ReloadStep; readonly durationMs: number }[];
}

export interface ReloadDone extends ReloadFacts {
  readonly kind: 'ok';
  /** Names such as `route:chat-small`, sorted. */
  readonly summary: ReloadSummary;
  readonly manifestHash: string;
  readonly previousHash: string;
  /** One sentence per model that changed: what was loaded beside the old, what drains first. */
  readonly notes: readonly string[];
}

export interface ReloadFailed extends ReloadFacts {
  readonly kind: 'error';
  /** One text, ends with the next step. */
  readonly error: string;
  readonly errorKind: ReloadErrorKind;
  readonly step: ReloadStep;
  /** What is wrong in the file, with lines; empty where the file is not at fault. */
  readonly problems: readonly ManifestProblem[];
}

/** How a reload ended; the same value in the answer, the log, the metric and the event. [F-11 F-21] */
export type ReloadOutcome = ReloadDone | ReloadFailed;

/** One version of one binding, as the state file and `GET /v2/manifest` show it. [F-14 F-16] */
export interface BindingStatus {
  /** `route:chat-small`, `instance:default/helpdesk`, `model:smollm2`, `pool:p1`. */
  readonly id: string;
  readonly kind: BindingKind;
  /** Where the definition comes from. */
  readonly provider: 'manifest' | 'starter';
  /** What it leads to: the model of a route or an instance, the first source of a model, `node/device` of a pool. */
  readonly handler: string;
  readonly version: number;
  readonly state: BindingState;
  readonly fingerprint: string;
  /** Requests that this version accepted. */
  readonly received: number;
  /** Those of them that were given to a node. */
  readonly dispatched: number;
  /** Those of them that ended with an error. */
  readonly failed: number;
  readonly inFlight: number;
}

/** The served manifest, changed as a whole while it serves. */
export interface ManifestReloads {
  /** Reads the manifest's file anew and serves it, or leaves everything as it was. One at a time; never rejects. [F-03 F-04 F-19] */
  reload(request: ReloadRequest): Promise<ReloadOutcome>;
  /** Every version that is known: active, draining, and the newest terminated ones. */
  bindings(): readonly BindingStatus[];
  /** The last reloads, the newest first; at most 50. */
  history(): readonly ReloadOutcome[];
  /** Called after each reload; returns the way to stop that. */
  onOutcome(listener: (outcome: ReloadOutcome) => void): () => void;
}
