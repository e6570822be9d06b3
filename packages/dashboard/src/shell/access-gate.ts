import type { ApiFailure } from '../api/api-failure.js';

export interface AccessGate {
  readonly title: string;
  readonly detail: string;
  readonly hint: string | null;
  /** Whether another key could help. */
  readonly asksForKey: boolean;
}

/** What stands between the caller and the page; null where it may see at least its own instances. [U-05 U-17] */
export function accessGate(pools: ApiFailure | null, instances: ApiFailure | null, hasKey: boolean): AccessGate | null {
  if (pools?.kind === 'key_needed') {
    return { title: 'This server needs a key', detail: 'Enter an API key. It stays in this tab and is sent to this server alone.', hint: 'A system_admin makes one with: corral keys create', asksForKey: true };
  }
  if (pools?.kind === 'key_refused') {
    return {
      title: hasKey ? 'That key is not accepted' : 'This server needs a key',
      detail: pools.message,
      hint: pools.hint ?? 'It may have been revoked or have expired; ask whoever made it for another.',
      asksForKey: true,
    };
  }
  if (pools?.kind !== 'not_allowed') return null;
  if (pools.code !== 'ROLE_REQUIRED') return { title: 'This server refuses this page', detail: pools.message, hint: pools.hint, asksForKey: true };
  if (instances?.kind !== 'not_allowed') return null;
  return { title: 'This key may not see this page', detail: pools.message, hint: 'The pool page needs a key with the role system_admin, or org_admin for the instances of one org.', asksForKey: true };
}
