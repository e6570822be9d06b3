import { formatModelRef, parseDigest, parseModelId, parseModelRef } from '@corral/catalog-core';
import type { Digest, ModelRef } from '@corral/catalog-core';
import { ProvisionError } from './provision-error.js';
import type { ProvisionProgress } from './fetcher.js';

/** A wish for a model on this node's disk. */
export interface ModelRequest {
  /** The id under which it is catalogued. */
  readonly modelId: string;
  /** References, tried in order. */
  readonly sources: readonly string[];
  /** `sha256:<hex>` that the file must have, or `null` to take what comes, with a warning. */
  readonly digest: string | null;
  readonly signal?: AbortSignal;
  /** Called several times a second at most, and at each change of phase. */
  readonly onProgress?: (progress: ProvisionProgress) => void;
}

/** A source as it was written, with what it means. */
export type WantedSource = { readonly text: string; readonly ref: ModelRef } | { readonly text: string; readonly problem: string };

/** A request that has been read. */
export interface WantedModel {
  readonly modelId: string;
  readonly digest: Digest | null;
  readonly sources: readonly WantedSource[];
  /** Canonical references of the sources that are any. */
  readonly refs: readonly string[];
}

const MAX_SOURCES = 16;

/** Reads a request, or throws INVALID_REQUEST. A source that cannot be read is kept: it fails when its turn comes. */
export function readRequest({ modelId, sources, digest }: ModelRequest): WantedModel {
  const id = parseModelId(modelId);
  if (id.kind === 'refused') throw new ProvisionError('INVALID_REQUEST', id.message);
  const expected = digest === null ? null : parseDigest(digest);
  if (expected?.kind === 'refused')
    throw new ProvisionError('INVALID_REQUEST', `the digest of model "${modelId}" is wrong: ${expected.message}`);
  if (sources.length === 0 || sources.length > MAX_SOURCES) {
    throw new ProvisionError(
      'INVALID_REQUEST',
      `model "${modelId}" has ${sources.length} sources; give it 1 to ${MAX_SOURCES}, like file:/models/tiny.gguf`,
    );
  }
  const read = sources.map(readSource);
  const refs = read.flatMap((source) => ('ref' in source ? [formatModelRef(source.ref)] : []));
  return { modelId, digest: expected?.digest ?? null, sources: read, refs: [...new Set(refs)] };
}

function readSource(text: string): WantedSource {
  const parsed = parseModelRef(text);
  return parsed.kind === 'ref' ? { text, ref: parsed.ref } : { text, problem: parsed.message };
}
