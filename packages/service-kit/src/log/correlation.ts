import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

/** Runs `work` so that every log line and every outbound call under it carries `id`. [B-02] */
export function withCorrelation<T>(id: string, work: () => T): T {
  return storage.run(id, work);
}

/** The id of the request that the caller works for, if any. */
export function currentCorrelation(): string | undefined {
  return storage.getStore();
}
