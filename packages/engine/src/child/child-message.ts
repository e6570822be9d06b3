import type { EngineErrorKind } from '../engine-error.js';
import type { ReplicaInfo, ReplicaSpec } from '../port.js';

/** What a worker is told over its fork channel, which serves life and death only: tokens go over the socket. */
export interface LoadMessage {
  readonly type: 'load';
  readonly spec: ReplicaSpec;
  readonly socketPath: string;
  /** What the engine tells its own worker beside the spec; JSON. */
  readonly extra: unknown;
}

export interface FatalMessage {
  readonly type: 'fatal';
  readonly kind: EngineErrorKind;
  readonly message: string;
}

/** `idle` once the native code is there and no model is, `loading` when the load has been taken up, `ready` once the socket answers. */
export type WorkerMessage =
  | { readonly type: 'idle' }
  | { readonly type: 'loading' }
  | { readonly type: 'progress'; readonly fraction: number }
  | { readonly type: 'ready'; readonly info: ReplicaInfo }
  | FatalMessage;

/** A disposable process gets one question and gives one answer. */
export interface ProbeMessage<Question> {
  readonly type: 'probe';
  readonly question: Question;
}

export type ProbeAnswer<Answer> = { readonly type: 'answer'; readonly answer: Answer } | FatalMessage;
