import { ApiError } from '@corral/contracts';
import type { IncomingMessage } from 'node:http';
import { parseBearer, tokenMatcher } from './bearer.js';
import { isLocalCaller, refuseForeignPage } from './local-caller.js';
import type { Caller } from './request-context.js';

/** Finds out who calls, or throws an ApiError. Runs for every path that is not open. */
export type Gate = (req: IncomingMessage) => Caller | Promise<Caller>;

export interface GateOptions {
  /** Accepted bearer tokens. None: only callers on this machine, and they need none. */
  readonly tokens: readonly string[];
  /** Who has a token that is none of `tokens`; `undefined` when nobody has. May throw an ApiError that says what is wrong with it. */
  readonly resolve?: (token: string) => Caller | undefined;
  /** Asked for every request; left out, a token is needed where `tokens` has one. */
  readonly needsToken?: () => boolean;
  /** Callers on this machine may skip the token. [P-03] */
  readonly authOptional?: boolean;
  /** Variable that the hints name. */
  readonly tokenVariable?: string;
  /** What a caller without a good token should do; left out, it is to send one from `tokenVariable`. */
  readonly hint?: string;
  /** Origins whose pages may call without a token. */
  readonly allowedOrigins?: readonly string[];
}

/** The gate of a daemon: configured tokens, those that `resolve` knows, and callers of this machine where no token is needed. [P-03 P-33 P-34] */
export function authGate(options: GateOptions): Gate {
  const { tokens, authOptional = false, tokenVariable = 'LLORCH_API_TOKEN', allowedOrigins = [] } = options;
  const match = tokenMatcher(tokens);
  const needsToken = options.needsToken ?? (() => tokens.length > 0);
  const hint = options.hint ?? `send "Authorization: Bearer <token>" with a token from ${tokenVariable}`;
  return (req) => {
    const bearer = parseBearer(req.headers.authorization);
    if (!needsToken()) return localCaller(req, allowedOrigins, tokenVariable);
    if (bearer.kind === 'token') {
      const known = match(bearer.token);
      const caller = known === undefined ? options.resolve?.(bearer.token) : { identity: `token:${known}` };
      if (caller === undefined) throw new ApiError('BAD_TOKEN', 'the token is not one that this server accepts', { hint });
      return caller;
    }
    if (authOptional && bearer.kind === 'none' && isLocalCaller(req)) return localCaller(req, allowedOrigins, tokenVariable);
    if (bearer.kind === 'malformed') throw new ApiError('BAD_TOKEN', bearer.problem, { hint });
    throw new ApiError('MISSING_TOKEN', 'this server needs a token', { hint });
  };
}

/** The caller of a server without a token: someone on this machine, and not a page from elsewhere in their browser. */
export function localCaller(req: IncomingMessage, allowedOrigins: readonly string[] = [], tokenVariable = 'LLORCH_API_TOKEN'): Caller {
  if (!isLocalCaller(req)) {
    throw new ApiError('NON_LOOPBACK_WITHOUT_TOKEN', 'this server has no token and serves only callers on its own machine', {
      hint: `set ${tokenVariable} on the server and send it as "Authorization: Bearer <token>"`,
    });
  }
  refuseForeignPage(req, allowedOrigins);
  return { identity: 'localhost' };
}
