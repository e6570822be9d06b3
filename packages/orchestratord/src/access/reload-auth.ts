import { ApiError } from '@corral/contracts';
import { checkSignature, parseBearer, SIGNATURE_SCHEME, tokenMatcher } from '@corral/service-kit';

/** What `POST /admin/reload` accepts; nothing else opens it, and it opens nothing else. */
export interface ReloadSecrets {
  readonly apiKeys: readonly string[];
  /** Empty = none. */
  readonly hmacSecret: string;
}

/** A call of `POST /admin/reload` as it came. */
export interface ReloadCall {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
  readonly authorization: string | undefined;
  readonly apiKey: string | undefined;
  readonly nowMs: number;
}

/** Who asks for a reload, as log and audit name it: `reload-key:<fingerprint>` or `reload-hmac`. Throws MISSING_TOKEN or BAD_TOKEN. */
export type ReloadAuth = (call: ReloadCall) => string;

const NEITHER = 'set ORCHESTRATOR_API_KEYS or ORCHESTRATOR_HMAC_SECRET on the server and restart it; until then send it SIGHUP, or start it with --watch';
const HOW = 'send "Authorization: Bearer <key>" or "X-API-Key: <key>" with a key of ORCHESTRATOR_API_KEYS, or sign the request with ORCHESTRATOR_HMAC_SECRET';

/**
 * The gate of manifest reloads, which holds at home too. `X-API-Key` decides alone where it is sent; every failure is
 * 401. [F-06 F-08 F-09 G-45]
 */
export function reloadAuth({ apiKeys, hmacSecret }: ReloadSecrets): ReloadAuth {
  const match = tokenMatcher(apiKeys);
  const byKey = (key: string): string => {
    const known = match(key.trim());
    if (known === undefined) throw new ApiError('BAD_TOKEN', 'the key is not one that may reload the manifest', { hint: HOW });
    return `reload-key:${known}`;
  };
  return (call) => {
    if (apiKeys.length === 0 && hmacSecret === '') throw new ApiError('MISSING_TOKEN', 'nobody may reload the manifest over HTTP: neither ORCHESTRATOR_API_KEYS nor ORCHESTRATOR_HMAC_SECRET is set', { hint: NEITHER });
    if (call.apiKey !== undefined) return byKey(call.apiKey);
    if (call.authorization?.slice(0, SIGNATURE_SCHEME.length).toUpperCase() === SIGNATURE_SCHEME) return bySignature(call.authorization, call, hmacSecret);
    const bearer = parseBearer(call.authorization);
    if (bearer.kind === 'none') throw new ApiError('MISSING_TOKEN', 'a reload of the manifest needs its own key or signature', { hint: HOW });
    if (bearer.kind === 'malformed') throw new ApiError('BAD_TOKEN', bearer.problem, { hint: HOW });
    return byKey(bearer.token);
  };
}

function bySignature(header: string, call: ReloadCall, secret: string): string {
  if (secret === '') throw new ApiError('BAD_TOKEN', 'the request is signed and the server has no secret to check it with', { hint: 'set ORCHESTRATOR_HMAC_SECRET on the server, or send a key of ORCHESTRATOR_API_KEYS' });
  const verdict = checkSignature(header, call, { secret, nowMs: call.nowMs });
  if (verdict.kind === 'invalid') throw new ApiError('BAD_TOKEN', verdict.problem, { hint: HOW });
  return 'reload-hmac';
}
