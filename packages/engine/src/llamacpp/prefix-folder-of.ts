import { cpus } from 'node:os';
import type { LlamaContext } from 'node-llama-cpp';
import type { ReplicaSpec } from '../port.js';
import { PrefixFolder } from './prefix-folder.js';

/** The folder of a replica's prefixes with everything that a file in it must match; `null` where none is asked for, or the weights are unknown. */
export function prefixFolderOf(spec: ReplicaSpec, context: LlamaContext, { fingerprint, deviceNames }: { readonly fingerprint: string; readonly deviceNames: readonly string[] }): PrefixFolder | null {
  const { prefixFolder = null, digest, deviceKind, slots, batchTokens, prefillChunkTokens, threads } = spec;
  if (prefixFolder === null || digest === null) return null;
  return new PrefixFolder(prefixFolder, {
    digest,
    engine: fingerprint,
    device: [deviceKind, ...(deviceKind === 'cpu' ? [cpus()[0]?.model ?? ''] : deviceNames)].join(' '),
    contextTokens: context.contextSize,
    slots,
    batchTokens,
    chunkTokens: prefillChunkTokens,
    threads,
    cacheTypes: `${context.kvCacheKeyType}/${context.kvCacheValueType}`,
    flashAttention: String(context.flashAttention),
  });
}
