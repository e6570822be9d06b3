import type { JSX } from 'preact';
import type { Reading } from '../poll/reading.js';
import { staleNotice } from '../poll/stale-notice.js';
import type { PageStore } from './page-store.js';
import { useNowMs } from './use-store.js';

/** Says that what stands below it is old, and why; nothing while it is not. [U-03] */
export function StaleNote({ store, reading, everyMs }: { readonly store: PageStore; readonly reading: Reading<unknown>; readonly everyMs: number }): JSX.Element | null {
  const { state, text } = staleNotice(reading, everyMs, useNowMs(store));
  if (state !== 'stale') return null;
  return (
    <p class="problem problem--warn" role="status">
      {text}
    </p>
  );
}
