import type { Operation, PoolHealth } from '@corral/contracts';
import { eventually } from '@corral/test-kit';
import { call, type Answer } from '../served.js';

/** How long a machine that several suites share may take for an operation on a small model. */
const ENDED_WITHIN_MS = 240_000;

/** Begins an operation on a pool, or throws the refusal. */
export async function begun(url: string, path: string, body: object = {}): Promise<Operation> {
  const answer = await call(url, 'POST', path, body);
  if (answer.status !== 202) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as unknown as Operation;
}

export async function ended(url: string, { operation_id }: Operation): Promise<Operation> {
  return await eventually(`operation ${operation_id} has ended`, ENDED_WITHIN_MS, async () => {
    const { body } = await call(url, 'GET', `/v2/operations/${operation_id}`).catch((): Partial<Answer> => ({}));
    return body?.['state'] !== undefined && body['state'] !== 'running' && (body as unknown as Operation);
  });
}

/** Begins an operation and waits for its end. */
export async function done(url: string, path: string, body: object = {}): Promise<Operation> {
  return ended(url, await begun(url, path, body));
}

export async function healthOf(url: string, poolId: string): Promise<PoolHealth> {
  const { status, body } = await call(url, 'GET', `/v2/pools/${poolId}/health`);
  if (status !== 200) throw new Error(`pool ${poolId}: ${status} ${JSON.stringify(body)}`);
  return body as unknown as PoolHealth;
}

/** Waits until the pool is so. */
export async function untilPool(url: string, poolId: string, what: string, isSo: (pool: PoolHealth) => boolean): Promise<PoolHealth> {
  let seen: PoolHealth | undefined;
  return await eventually(`pool ${poolId}: ${what}`, ENDED_WITHIN_MS, async () => {
    seen = await healthOf(url, poolId).catch(() => undefined);
    return seen !== undefined && isSo(seen) && seen;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(seen)}`);
  });
}

/** What is resident in a pool as the control plane sees it, sorted. */
export function residentIn({ replicas }: PoolHealth): readonly string[] {
  return replicas.filter(({ state }) => state === 'resident').map(({ model_id }) => model_id).toSorted();
}

/** One counter of a daemon's metrics; 0 where it has no such line. */
export async function metric(url: string, name: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && Object.entries(labels).every(([key, value]) => one.includes(`${key}="${value}"`)));
  return Number(line?.split(' ').at(-1) ?? 0);
}
