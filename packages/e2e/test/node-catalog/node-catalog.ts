import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { NodeCatalogEntry, Operation } from '@corral/contracts';
import type { Corral } from '@corral/test-kit';
import { call, type Answer } from '../served.js';

export function digestOf(bytes: Buffer): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A path below a model of either daemon. */
export function modelPath(modelId: string, rest = ''): string {
  return `/v2/catalog/models/${encodeURIComponent(modelId)}${rest}`;
}

/** What a node has, as it tells. */
export async function entriesOf(poolUrl: string): Promise<readonly NodeCatalogEntry[]> {
  return (await call(poolUrl, 'GET', '/v2/catalog/models')).body['data'] as readonly NodeCatalogEntry[];
}

/** Has the node bring a model, and waits for the end of that. A refusal keeps its status. */
export function pulled(poolUrl: string, modelId: string, source: string, digest: string | null = null): Promise<Answer> {
  return call(poolUrl, 'POST', modelPath(modelId, '/pull?wait=true'), { spec: { model_id: modelId, sources: [source], digest, context: 512, slots: 2, pinned: false } });
}

/** The result of an operation that was waited for. */
export function resultOf({ body }: Answer): Record<string, unknown> {
  return (body as unknown as Operation).result as Record<string, unknown>;
}

/** The index on the disk of a running system. */
export async function indexOf({ stateDir }: Pick<Corral, 'stateDir'>): Promise<{ readonly schema_version: number; readonly models: readonly Record<string, unknown>[] }> {
  return JSON.parse(await readFile(`${stateDir}/models/catalog.json`, 'utf8')) as { schema_version: number; models: Record<string, unknown>[] };
}
