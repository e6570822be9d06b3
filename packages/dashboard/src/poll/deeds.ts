import { isConflict, type ApiFailure } from '../api/api-failure.js';
import type { ApiResult } from '../api/api-client.js';

/** What became of a button: `asked` until the server answers, then `accepted` for a moment, or `failed` until it is tried again. */
export type Deed = { readonly state: 'asked' | 'accepted' } | { readonly state: 'failed'; readonly failure: ApiFailure };

/** Subjects whose last deed is remembered. */
const DEEDS_MAX = 64;

/** The last deed of each subject, such as `load default/helpdesk`; the oldest are forgotten first. */
export class Deeds {
  private readonly bySubject = new Map<string, Deed>();

  constructor(private readonly onChange: () => void) {}

  of(subject: string): Deed | null {
    return this.bySubject.get(subject) ?? null;
  }

  /** Whether the last one failed because somebody else had changed what it was about. [U-30] */
  isConflict(subject: string): boolean {
    const deed = this.of(subject);
    return deed?.state === 'failed' && isConflict(deed.failure);
  }

  /** Does it once at a time. Returns whether the server accepted it. */
  async do(subject: string, ask: () => Promise<ApiResult<unknown>>): Promise<boolean> {
    if (this.of(subject)?.state === 'asked') return false;
    this.put(subject, { state: 'asked' });
    const result = await ask();
    this.put(subject, result.ok ? { state: 'accepted' } : { state: 'failed', failure: result.failure });
    return result.ok;
  }

  forget(subject: string): void {
    if (this.bySubject.delete(subject)) this.onChange();
  }

  private put(subject: string, deed: Deed): void {
    this.bySubject.delete(subject);
    this.bySubject.set(subject, deed);
    const [oldest] = this.bySubject.keys();
    if (this.bySubject.size > DEEDS_MAX && oldest !== undefined) this.bySubject.delete(oldest);
    this.onChange();
  }
}
