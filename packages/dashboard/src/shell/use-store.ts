import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiResult } from '../api/api-client.js';
import type { CorralApi } from '../api/corral-api.js';
import { NOTHING_READ, type Reading } from '../poll/reading.js';
import type { PageStore, Watched } from './page-store.js';

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

export interface Question<T> {
  /** Another key is another question. */
  readonly key: string;
  readonly everyMs: number;
  ask(api: CorralApi): Promise<ApiResult<T>>;
}

/**
 * What a page asks while it is open. The answer to another question of the same page, such as the list before a word was searched for, stays
 * until this one is answered, so that nothing blinks.
 */
export function useReading<T>(store: PageStore, question: Question<T>): Reading<T> {
  const [watched, setWatched] = useState<Watched<T> | null>(null);
  const shown = useRef<{ readonly by: Watched<T> | null; readonly reading: Reading<T> }>({ by: null, reading: NOTHING_READ });
  useEffect(() => {
    const next = store.watch(question.everyMs, question.ask);
    setWatched(next);
    return () => next.end();
  }, [store, question.key]);
  const isAnswered = watched !== null && (watched.reading.value !== null || watched.reading.failure !== null);
  // What was taken away from the question that is shown, as when a key is forgotten, is gone.
  if (watched !== null && (isAnswered || watched === shown.current.by)) shown.current = { by: watched, reading: watched.reading };
  return shown.current.reading;
}
