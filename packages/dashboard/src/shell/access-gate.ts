import type { ApiFailure } from '../api/api-failure.js';

export interface AccessGate {
  readonly title: string;
  readonly detail: string;
  readonly hint: string | null;
  /** Whether another key could help. */
  readonly asksForKey: boolean;
}

/** What stands between the caller and the whole page; null where nothing does. [U-05] */
export function accessGate(failure: ApiFailure | null, hasKey: boolean): AccessGate | null {
  switch (failure?.kind) {
    case 'key_needed':
      return { title: 'This server needs a key', detail: 'Enter an API key. It stays in this tab and is sent to this server alone.', hint: 'A system_admin makes one with: corral keys create', asksForKey: true };
    case 'key_refused':
      return {
        title: hasKey ? 'That key is not accepted' : 'This server needs a key',
        detail: failure.message,
        hint: failure.hint ?? 'It may have been revoked or have expired; ask whoever made it for another.',
        asksForKey: true,
      };
    case 'not_allowed':
      return {
        title: failure.code === 'ROLE_REQUIRED' ? 'This key may not see this page' : 'This server refuses this page',
        detail: failure.message,
        hint: failure.code === 'ROLE_REQUIRED' ? 'The pool page needs a key with the role system_admin.' : failure.hint,
        asksForKey: true,
      };
    default:
      return null;
  }
}
