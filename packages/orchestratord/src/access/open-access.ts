import { join } from 'node:path';
import { OPERATOR_TOKEN_FILE } from '@corral/contracts';
import { sharedSecret, type Clock, type Gate, type Log, type Shutdown } from '@corral/service-kit';
import { AuditLog } from '../audit/audit-log.js';
import type { OrchestratordConfig } from '../config.js';
import { OrgRegistry } from '../orgs/org-registry.js';
import type { Store } from '../store/open-store.js';
import { accessGate } from './access-gate.js';
import { KeyRing } from './key-ring.js';
import { UsageMeter } from './usage-meter.js';

export interface AccessParts {
  readonly config: OrchestratordConfig;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly shutdown: Shutdown;
}

/** Who may do what, and what they did. */
export interface Access {
  readonly gate: Gate;
  readonly orgs: OrgRegistry;
  readonly keys: KeyRing;
  readonly audit: AuditLog;
  readonly usage: UsageMeter;
}

const DAY_MS = 86_400_000;

/** Reads orgs and keys, and starts what writes audit and usage. */
export async function openAccess({ config, store, clock, log, shutdown }: AccessParts): Promise<Access> {
  const orgs = await OrgRegistry.open(store);
  const keys = await KeyRing.open(store);
  const audit = new AuditLog({ store, clock, log, retentionMs: config.audit_retention_days * DAY_MS });
  const usage = new UsageMeter({ store, clock, log, flushMs: config.usage_flush_ms });
  audit.start();
  usage.start();
  shutdown.add('access', async () => {
    await usage.close();
    await audit.close();
  });
  // With a configured token that one is shared between the daemons.
  const operatorToken = config.tokens.length > 0 ? null : await sharedSecret(join(config.state_dir, OPERATOR_TOKEN_FILE));
  const gate = accessGate({ keys, tokens: config.tokens, operatorToken, authOptional: config.auth_optional, clock, orgIds: orgs.ids });
  return { gate, orgs, keys, audit, usage };
}
