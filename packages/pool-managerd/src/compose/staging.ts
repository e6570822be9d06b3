import { join } from 'node:path';
import type { Digest } from '@corral/catalog-core';
import type { TierSpeeds } from '../node/tier-speeds.js';
import { PREFIX_FOLDER } from '../staging/stage-folder.js';
import { StagingArea } from '../staging/staging-area.js';
import type { StagingSources } from '../staging/staging-view.js';
import type { ReplicaSetOptions } from '../replicas/replica-set-options.js';
import { PrefixStore } from '../replicas/prefix-store.js';
import type { Ground } from './ground.js';

export interface StagingParts {
  readonly poke: () => void;
  readonly speeds: TierSpeeds;
  readonly prefixes: PrefixStore | null;
  onUsed(digest: string): void;
  /** A file on disk is to be looked at again. */
  readonly onDoubtful: (digest: Digest) => void;
}

/** Builds the staging area of the opened folder; `null` where nothing can be staged. */
export function buildStaging({ stage, config, clock, random, log, metrics, shutdown }: Ground, { poke, speeds, prefixes, onUsed, onDoubtful }: StagingParts): StagingSources | null {
  if (stage === null) return null;
  const area = new StagingArea({
    dir: stage.dir,
    found: stage.found,
    budgetBytes: stage.budgetBytes,
    freeBytes: () => stage.freeBytes(),
    others: prefixes,
    retry: { initialMs: config.stage.retry_initial_ms, maxMs: config.stage.retry_max_ms },
    settleMs: config.stage.settle_ms,
    clock,
    random,
    log,
    onChange: poke,
    onStaged: ({ digest, sizeBytes, durationMs }) => {
      onUsed(digest);
      metrics.observe('model_cache_stage_duration_ms', {}, durationMs);
      speeds.copied(sizeBytes, durationMs);
    },
    onEvicted: (reason) => metrics.inc('model_cache_evictions_total', { reason }),
    onDoubtful,
  });
  shutdown.add('staging area', () => area.close());
  return { area, dir: stage.dir, isBestEffort: stage.isBestEffort };
}

const PREFIX_SHARE = 0.25;

/** Where prefixes are kept: inside the staging area and its budget; `null` where there is none, or nobody wants it. [C-254] */
export function buildPrefixes({ stage, config, catalog, log, shutdown }: Ground, stagedBytes: () => number): PrefixStore | null {
  const { enabled, max_bytes: maxBytes } = config.prefixes;
  if (stage === null || !enabled || maxBytes === 0) return null;
  const { budgetBytes } = stage;
  const isKnown = (digest: string): boolean => catalog.list().some((entry) => entry.digest === digest);
  const store = new PrefixStore({ dir: join(stage.dir, PREFIX_FOLDER), maxBytes: Math.min(budgetBytes, maxBytes ?? budgetBytes * PREFIX_SHARE), roomBytes: () => budgetBytes - stagedBytes(), isKnown, log });
  shutdown.add('prefixes', () => store.close());
  return store;
}

interface WeightsParts {
  readonly staging: StagingSources | null;
  readonly speeds: TierSpeeds;
  onUsed(digest: string): void;
}

/** Where a load takes its weights from: the staged file where there is one, held until the process is gone. [C-72 C-74] */
export function weightsSource({ metrics }: Pick<Ground, 'metrics'>, { staging, speeds, onUsed }: WeightsParts): ReplicaSetOptions['weightsOf'] {
  return ({ replicaId, digest, modelPath }) => {
    onUsed(digest);
    const lease = staging?.area.lease(digest) ?? null;
    metrics.inc(lease === null ? 'model_cache_misses' : 'model_cache_hits', {});
    speeds.loading(replicaId, lease === null ? 'on_disk' : 'staged');
    return lease ?? { path: modelPath, release: () => undefined };
  };
}
