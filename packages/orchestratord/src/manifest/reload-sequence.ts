import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock, Log } from '@corral/service-kit';
import type { ReloadPlan } from '@corral/orchestrator-core';
import type { DefinitionChanges } from '../assignments/definition-changes.js';
import type { ResidencyLoop } from '../assignments/residency-loop.js';
import type { Catalog } from '../catalog/catalog.js';
import { instancesChange, writeInstances, writeRemoved, type InstancesChange } from '../instances/manifest-instances.js';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { PoolView } from '../nodes/node-view.js';
import { replaceBindings } from '../store/binding-rows.js';
import { restoreInstances, snapshotInstances } from '../store/instance-snapshot.js';
import type { InstanceKey, InstanceRecord } from '../store/instance-rows.js';
import type { Store } from '../store/open-store.js';
import type { BindingRegistry } from './binding-registry.js';
import { bindingsOf } from './bindings-of.js';
import { LastGoodCopy, type ManifestCopy } from './last-good-copy.js';
import { unreadable } from './load-manifest.js';
import type { ModelDirectory } from './model-directory.js';
import { prepareModels } from './prepare-models.js';
import { readManifest } from './read-manifest.js';
import { brokenManifest, ReloadError } from './reload-error.js';
import type { ReloadRun } from './reload-run.js';
import { resolveManifest, unreachablePools, type ReachSources } from './resolve-manifest.js';
import type { ServedManifest } from './served-manifest.js';
import type { ServedState } from './served-state.js';
import { versioned } from './versioned.js';

export interface ReloadParts {
  /** The manifest's file; `null` = the server was started without one. */
  readonly path: string | null;
  readonly stateDir: string;
  readonly served: ServedState;
  readonly bindings: BindingRegistry;
  readonly store: Store;
  readonly catalog: Pick<Catalog, 'follow'>;
  readonly instances: Pick<InstanceRegistry, 'list' | 'find' | 'put'>;
  readonly residency: Pick<ResidencyLoop, 'refresh' | 'load' | 'between'> & { readonly definitions: Pick<DefinitionChanges, 'prepare' | 'preparation' | 'poolsWith' | 'endPreparing' | 'follow'> };
  readonly nodes: { pools(): readonly PoolView[]; reach(): ReachSources };
  readonly models: Pick<ModelDirectory, 'isSameReplica'>;
  /** Aborted when the server stops: then a reload does not wait any more. */
  readonly signal: AbortSignal;
  /** What is served has just become another: queues and waiting tasks follow, in the same turn. */
  onSwapped(): void;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a reload waits for changed models to be loaded beside what serves. */
  readonly prepareMs: number;
}

/** What the steps hand on. */
export interface Reloaded {
  readonly manifest: ServedManifest;
  readonly previous: ServedManifest;
  readonly plan: ReloadPlan;
}

interface Read {
  readonly manifest: ServedManifest;
  readonly copy: ManifestCopy;
  lineOf(keys: readonly string[]): number | undefined;
}

/** What is about to be activated. */
interface Ready {
  readonly run: ReloadRun;
  readonly manifest: ServedManifest;
  readonly plan: ReloadPlan;
  readonly change: InstancesChange;
  readonly copy: LastGoodCopy;
}

/**
 * The sequence of a manifest reload: every step leaves a way back, and until the swap nothing that serves has changed.
 * The swap itself is one synchronous turn, between two looks of the residency loop. [F-03 F-04]
 */
export class ReloadSequence {
  constructor(private readonly parts: ReloadParts) {}

  /** Throws where a step fails; the caller takes back what was done. */
  async carryOut(run: ReloadRun, asked: string | null): Promise<Reloaded> {
    const { served, bindings, instances, catalog } = this.parts;
    const path = await run.step('open', () => this.#open(asked));
    const read = await run.step('validate', () => readFromFile(path));
    await run.step('resolve', () => this.#resolve(path, read));
    const { manifest } = read;
    const previous = served.current();
    const entries = bindingsOf(manifest);
    const plan = bindings.plan(entries);
    const copy = new LastGoodCopy(this.parts.stateDir);
    await run.step('prepare', () => this.#prepare(run, { manifest, previous, plan, copy, text: read.copy }));
    const change = await run.step('reconcile', async () => {
      run.orElse(bindings.register(plan, entries));
      run.orElse(() => catalog.follow(previous, run.correlationId));
      await catalog.follow(manifest, run.correlationId);
      return instancesChange(manifest.instances, instances);
    });
    await run.step('activate', () => this.#activate({ run, manifest, plan, change, copy }));
    await run.step('drain', () => this.#followUp(change));
    run.keep();
    return { manifest: served.current(), previous, plan };
  }

  #open(asked: string | null): string {
    const { path } = this.parts;
    if (path === null) throw new ReloadError('validation', 'the server was started without a manifest, so there is none to reload; start it with --manifest FILE');
    if (asked !== null && resolve(asked) !== resolve(path)) throw new ReloadError('validation', `the server serves ${resolve(path)}, not ${asked}; change that file, or start the server with the other one`);
    return resolve(path);
  }

  #resolve(path: string, { manifest, lineOf }: Read): void {
    const poolIds = new Set(this.parts.nodes.pools().map(({ poolId }) => poolId));
    const problems = resolveManifest({ manifest, poolIds, lineOf });
    if (problems.length > 0) throw brokenManifest(path, problems);
  }

  async #prepare(run: ReloadRun, { manifest, previous, plan, copy, text }: { readonly manifest: ServedManifest; readonly previous: ServedManifest; readonly plan: ReloadPlan; readonly copy: LastGoodCopy; readonly text: ManifestCopy }): Promise<void> {
    const { nodes, residency, clock, prepareMs, models, signal } = this.parts;
    run.orElse(await copy.prepare(text));
    const problems = unreachablePools(manifest.pools, nodes.reach());
    if (problems.length > 0) throw new ReloadError('activation', problems.join('; '));
    const changed = plan.modified.flatMap(({ id, kind }) => {
      const modelId = id.slice('model:'.length);
      const [before, after] = kind === 'model' ? [previous.models.get(modelId)?.spec, manifest.models.get(modelId)?.spec] : [];
      return before === undefined || after === undefined ? [] : [{ before, after }];
    });
    run.orElse(() => residency.definitions.endPreparing());
    run.notes.push(...(await prepareModels(changed, { definitions: residency.definitions, clock, limitMs: prepareMs, isSameReplica: models.isSameReplica, signal })));
  }

  #activate(ready: Ready): Promise<void> {
    return this.parts.residency.between(() => this.#exchange(ready));
  }

  /** Rows and pointer in one commit, then memory in one turn, then what is wanted of nodes. */
  async #exchange({ run, manifest, plan, change, copy }: Ready): Promise<void> {
    const { store, bindings, residency } = this.parts;
    const rowsBefore = bindings.rows();
    const keys = [...change.plan.create, ...change.plan.change, ...change.plan.remove];
    const before = await snapshotInstances(store.db, keys);
    const records = await store.db.transaction().execute(async (tx) => {
      const nowMs = store.clock.nowMs();
      const made = [...(await writeInstances(tx, change.plan, nowMs)), ...(await writeRemoved(tx, change.plan, nowMs))];
      if (plan.added.length + plan.modified.length + plan.removed.length > 0) await replaceBindings(tx, bindings.rowsAfter(plan));
      await run.reach('before commit');
      run.orElse(await copy.commit());
      return made;
    });
    run.orElse(() => store.db.transaction().execute(async (tx) => {
      await restoreInstances(tx, before);
      await replaceBindings(tx, rowsBefore);
    }));
    await run.reach('after commit');
    run.orElse(this.#swap(manifest, plan, records));
    await residency.definitions.follow();
    residency.definitions.endPreparing();
  }

  /** One turn: whoever looks sees the old manifest or the new one. Returns the way back. */
  #swap(manifest: ServedManifest, plan: ReloadPlan, records: readonly InstanceRecord[]): () => Promise<void> {
    const { served, bindings, instances, residency, onSwapped } = this.parts;
    const old = records.map((record) => instances.find(record) ?? { ...record, deletedAtMs: record.deletedAtMs ?? 0 });
    const undoBindings = bindings.activate(plan);
    for (const record of records) instances.put(record);
    const before = served.swap({ manifest: versioned(manifest, bindings), problem: null });
    onSwapped();
    return () => residency.between(() => {
      undoBindings();
      for (const record of old) instances.put(record);
      served.swap(before);
      onSwapped();
      return residency.definitions.follow();
    });
  }

  /** What changed instances still need is ordered as calls would; the reload does not wait for it. */
  #followUp({ plan, refreshed, owed }: InstancesChange): void {
    const { residency, log, instances } = this.parts;
    for (const { orgId, instanceId } of plan.taken) log.warn('instance of the manifest left as a call made it', { org_id: orgId, instance_id: instanceId });
    const told = (key: InstanceKey) => (error: unknown) => log.warn('instance of the manifest not refreshed', { org_id: key.orgId, instance_id: key.instanceId, error });
    for (const key of refreshed) if (instances.find(key)?.status === 'active') void residency.refresh(key, '').catch(told(key));
    for (const { tier, ...key } of owed) if (instances.find(key)?.status === 'active') void residency.load(key, { tier, source: 'startup', correlationId: '' }).catch(told(key));
  }
}

async function readFromFile(path: string): Promise<Read> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (typeof text !== 'string') throw brokenManifest(path, [unreadable(text)]);
  const read = readManifest(text, path, dirname(path));
  if (read.kind === 'broken') throw brokenManifest(path, read.problems);
  return { manifest: read.manifest, copy: { path, text }, lineOf: read.lineOf.bind(read) };
}
