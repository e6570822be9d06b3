import { authGate, type Clock, type Gate } from '@corral/service-kit';
import { DEFAULT_ORG } from '../store/open-store.js';
import type { StoredKey } from '../store/key-rows.js';
import type { KeyRing } from './key-ring.js';
import type { AccessCaller } from './principal.js';
import { Rates } from './rates.js';

export interface AccessGateParts {
  readonly keys: Pick<KeyRing, 'find' | 'inUse'>;
  /** Configured ones: each acts as a system_admin of the default org. */
  readonly tokens: readonly string[];
  /** The token of this installation, which is accepted beside the configured ones. */
  readonly operatorToken: string | null;
  readonly authOptional: boolean;
  readonly clock: Clock;
  orgIds(): readonly string[];
}

/**
 * Who calls orchestratord: the owner of a key, of a configured token, or the home principal, who needs neither. [B-130 G-15]
 *
 * The home principal is any caller on this machine until the first key exists or a token is configured, and with
 * `authOptional` also after that.
 */
export function accessGate(parts: AccessGateParts): Gate {
  const { keys, tokens, operatorToken, authOptional } = parts;
  const rates = new Rates(parts.clock);
  const gate = authGate({
    tokens: operatorToken === null ? tokens : [...tokens, operatorToken],
    authOptional,
    hint: 'send "Authorization: Bearer <key>" with a key of POST /api/admin/keys, or a token from LLORCH_API_TOKEN, which a node on another machine or with another state directory needs',
    needsToken: () => tokens.length > 0 || keys.inUse,
    resolve: (text) => {
      const key = keys.find(text);
      return key === undefined ? undefined : ownerOf(key, rates, parts);
    },
  });
  return async (req) => {
    const caller = await gate(req);
    return 'principal' in caller ? caller : operator(caller.identity, parts);
  };
}

function ownerOf({ keyId, orgId, role, allowedModels, requestsPerMinute }: StoredKey, rates: Rates, { orgIds }: AccessGateParts): AccessCaller {
  const identity = `key:${keyId}`;
  return {
    identity,
    principal: { orgId, role, keyId, identity },
    allowedModels,
    charge: () => void (requestsPerMinute !== null && rates.take(keyId, requestsPerMinute)),
    orgIds,
  };
}

/** Whoever runs this installation: nothing is limited. */
function operator(identity: string, { orgIds }: AccessGateParts): AccessCaller {
  return { identity, principal: { orgId: DEFAULT_ORG, role: 'system_admin', keyId: null, identity }, allowedModels: null, charge: () => undefined, orgIds };
}
