import { usedPercent } from '@corral/catalog-core';
import { messageOf } from '@corral/service-kit';
import { collectableModels } from '../gc/collectable-models.js';
import { collectableEngines } from '../gc/collectable-engines.js';
import type { Collectable } from '../gc/collectable.js';
import type { Engines } from '../engines/engines.js';
import { GarbageCollector } from '../gc/garbage-collector.js';
import type { GarbageCollectorOptions } from '../gc/garbage-collector.js';
import { gcPolicyOf } from '../gc/gc-settings.js';
import { isSameDisk, measureDisk } from '../gc/measure-disk.js';
import { deleteModel } from '../models/delete-model.js';
import type { DeletedModel, DeleteModelOutcome, DeleteModelRequest } from '../models/delete-model.js';
import { maybeUsed, usesOf } from '../models/in-use.js';
import type { ModelUse, UsedModel } from '../models/in-use.js';
import type { Swaps } from '../assignments/swaps.js';
import type { ModelPresence } from '../models/model-presence.js';
import { ModelWorkBook } from '../models/model-work-book.js';
import type { PoolChanges } from '../pools/pool-changes.js';
import type { ReplicaSet } from '../replicas/replica-set.js';
import type { StagingSources } from '../staging/staging-view.js';
import type { Ground } from './ground.js';

/** What deletes from the node's disk, and what is asked before. */
export interface Disposal {
  readonly collector: GarbageCollector;
  /** Calls of operators that work on models: what is noted there is in use. */
  readonly work: ModelWorkBook;
  usesOf(model: UsedModel): readonly ModelUse[];
  /** The one way in which a model leaves the disk. [D-65] */
  deleteModel(request: DeleteModelRequest): Promise<DeleteModelOutcome>;
  /** The same for an operator who knows that it is assigned: only what reads the file at this moment keeps it. [B-103] */
  forceDelete(request: DeleteModelRequest): Promise<DeleteModelOutcome>;
}

export interface DisposalParts {
  readonly presence: ModelPresence;
  readonly replicas: ReplicaSet;
  readonly changes: Pick<PoolChanges, 'effective'>;
  readonly swaps: Pick<Swaps, 'digests'>;
  readonly staging: StagingSources | null;
  readonly engines: Pick<Engines, 'usedBy'>;
  /** Told of each model that has left the disk. Must not throw. */
  readonly onDeleted: (deleted: DeletedModel) => void;
}

/** From the end of a fetch to the order of the load that it was made for. */
const FRESH_MS = 10_000;

/** Builds what deletes. Nothing of it acts before somebody asks. */
export function buildDisposal(ground: Ground, { presence, replicas, changes, swaps, staging, engines, onDeleted }: DisposalParts): Disposal {
  const { catalog, journal, config, clock, log } = ground;
  const work = new ModelWorkBook();
  const area = staging?.area ?? null;
  const sources = { assignments: () => changes.effective([...journal.state.entries.values()], () => null), presences: () => presence.list(), replicas: () => replicas.list(), staging: area, work: () => work.list() };
  const swapped = ({ digest }: UsedModel): readonly ModelUse[] => (swaps.digests().includes(digest) ? [{ kind: 'loaded', by: 'a swap that may bring it back' }] : []);
  const uses = (model: UsedModel): readonly ModelUse[] => [...usesOf(model, sources), ...swapped(model)];
  const readers = (model: UsedModel): readonly ModelUse[] => uses(model).filter(({ kind }) => kind !== 'assigned');
  const told = (deleted: DeletedModel): void => {
    presence.release(deleted.digest);
    onDeleted(deleted);
  };
  const ports = { catalog, staging: area, onDeleted: told, log };
  const remove = (request: DeleteModelRequest): Promise<DeleteModelOutcome> => deleteModel(request, { ...ports, usesOf: uses });
  const forceDelete = (request: DeleteModelRequest): Promise<DeleteModelOutcome> => deleteModel(request, { ...ports, usesOf: readers });
  const collector = new GarbageCollector({
    sources: [collectableModels({ catalog, usesOf: uses, maybeUsed: () => maybeUsed(sources), isFresh: (model) => presence.isFresh(model, FRESH_MS), deleteModel: remove, onDeleted: told }), collectableEnginesOf(ground, engines)],
    policy: gcPolicyOf(config.gc),
    path: catalog.dir,
    measure: measureDisk,
    clock,
    log,
    onRun: countRun(ground),
  });
  return { collector, work, usesOf: uses, deleteModel: remove, forceDelete };
}

/** Until it is known that bundles lie on the disk of the models, none goes for the room on that. */
function collectableEnginesOf({ engineStore: store, catalog, log }: Ground, engines: Pick<Engines, 'usedBy'>): Collectable {
  let isOnDisk = false;
  void isSameDisk(store.dir, catalog.dir).then((isSame) => (isOnDisk = isSame));
  return collectableEngines({ store, usedBy: (entry) => engines.usedBy(entry), isOnDisk: () => isOnDisk, log });
}

function countRun({ metrics }: Pick<Ground, 'metrics'>): GarbageCollectorOptions['onRun'] {
  return (outcome, run) => {
    metrics.inc('catalog_gc_runs_total', { outcome });
    if (run === null) return;
    for (const { rule, freedBytes } of run.deleted) {
      metrics.inc('catalog_gc_deleted_total', { rule });
      metrics.inc('catalog_gc_freed_bytes_total', { rule }, freedBytes);
    }
    metrics.set('catalog_gc_pressure_unresolved', {}, run.thresholdsMetAfter ? 0 : 1);
  };
}

/** Writes the gauges of the disk as it is; they stay where it cannot be asked. */
export async function setDiskGauges({ metrics, log }: Pick<Ground, 'metrics' | 'log'>, { collector }: Disposal): Promise<void> {
  try {
    const disk = await collector.disk();
    metrics.set('catalog_disk_used_percent', {}, usedPercent(disk));
    metrics.set('catalog_disk_free_bytes', {}, Math.max(0, disk.freeBytes));
  } catch (error) {
    log.warn('disk not measured', { path: collector.path, error: messageOf(error) });
  }
}
