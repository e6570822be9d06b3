import type { IncomingMessage } from 'node:http';
import type { JsonBody } from './json-body.js';

/** Who calls, as a gate found out. Daemons extend it with what they know. */
export interface Caller {
  /** For logs: `localhost` or `token:<first six hex digits of its SHA-256>`. [P-32] */
  readonly identity: string;
}

export interface RequestContext {
  readonly correlationId: string;
  caller?: Caller;
  body?: JsonBody | undefined;
  /** Set when the request was refused, for the log line. */
  failure?: unknown;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

export function openContext(req: IncomingMessage, context: RequestContext): void {
  contexts.set(req, context);
}

export function contextOf(req: IncomingMessage): RequestContext {
  const context = contexts.get(req);
  if (context === undefined) throw new Error('this request did not pass createHttpApp');
  return context;
}

/** The id that every line and answer for this request carries. [B-01] */
export function correlationOf(req: IncomingMessage): string {
  return contextOf(req).correlationId;
}

/** What the gate returned for this request; `T` is the gate's own type. Throws on a path that is open to all. */
export function callerOf<T extends Caller = Caller>(req: IncomingMessage): T {
  const { caller } = contextOf(req);
  if (caller === undefined) throw new Error('this path is open, so its caller is not known');
  return caller as T;
}

/** Whether the gate let the request in as somebody; not so on a path that is open to all. */
export function hasCaller(req: IncomingMessage): boolean {
  return contextOf(req).caller !== undefined;
}

/** The body's bytes as they came, to pass on without writing them again; empty when there was none. */
export function rawBody(req: IncomingMessage): Buffer {
  return contextOf(req).body?.raw ?? Buffer.alloc(0);
}
