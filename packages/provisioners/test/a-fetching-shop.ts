import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startHub } from '@corral/test-kit';
import type { Hub } from '@corral/test-kit';
import { WEB_LIMITS } from '../src/index.js';
import type { ModelProvisionerOptions, WebLimits } from '../src/index.js';
import { aWorkshop } from './a-workshop.js';
import type { Workshop } from './a-workshop.js';

/** Bounds that make a test of interruptions short. */
export const QUICK: WebLimits = {
  ...WEB_LIMITS,
  connections: 1,
  connectMs: 30_000,
  idleMs: 30_000,
  attempts: 3,
  retryInitialMs: 1,
  retryMaxMs: 4,
  checkpointBytes: 32_768,
  segmentBytes: 65_536,
};

export interface FetchingShop extends Workshop {
  readonly hub: Hub;
  /** What is left for a later download: sidecars, read. */
  sidecars(): Promise<readonly Record<string, unknown>[]>;
}

/** A workshop with a hub of its own, which `HF_ENDPOINT` names. */
export async function aFetchingShop(
  { web, env, ...changes }: Partial<Omit<ModelProvisionerOptions, 'web'>> & { readonly web?: Partial<WebLimits> } = {},
): Promise<FetchingShop> {
  const hub = await startHub();
  const own = { HF_ENDPOINT: hub.url, PATH: process.env['PATH'], ...env };
  const shop = await aWorkshop({ ...changes, web: { ...QUICK, ...web }, env: own });
  return {
    ...shop,
    hub,
    async sidecars() {
      const parent = join(shop.store.dir, '.partial');
      const folders = await readdir(parent).catch(() => []);
      const texts = await Promise.all(folders.map((name) => readFile(join(parent, name, 'file.json'), 'utf8').catch(() => null)));
      return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Record<string, unknown>]));
    },
    async end() {
      await shop.end();
      await hub.close();
    },
  };
}

/** Bytes that no two places of a file share, beginning like a model. */
export function someBytes(length: number, seed = 1): Buffer {
  const blocks: Buffer[] = [Buffer.from('GGUF')];
  for (let n = 0; n * 32 < length; n += 1) blocks.push(createHash('sha256').update(`${seed} ${n}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}
