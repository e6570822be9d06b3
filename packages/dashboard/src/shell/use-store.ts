import { useEffect, useState } from 'preact/hooks';
import type { PageStore } from './page-store.js';

/** How often ages on the page are worded anew. */
const TICK_MS = 1_000;

/** Renders again when anything in the store changes. */
export function useStore(store: PageStore): void {
  const [, again] = useState(0);
  useEffect(() => store.subscribe(() => again((n) => n + 1)), [store]);
}

/** The time of the page, once a second. */
export function useNowMs(store: PageStore): number {
  const [nowMs, setNowMs] = useState(() => store.nowMs());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(store.nowMs()), TICK_MS);
    return () => clearInterval(timer);
  }, [store]);
  return Math.max(nowMs, store.nowMs());
}
