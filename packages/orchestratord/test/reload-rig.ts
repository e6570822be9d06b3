import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLog } from '@corral/service-kit';
import { openManifest } from '../src/compose/open-manifest.js';
import { BindingRegistry } from '../src/manifest/binding-registry.js';
import { bindingsOf } from '../src/manifest/bindings-of.js';
import { ServedReloads } from '../src/manifest/manifest-reloads.js';
import { readManifest } from '../src/manifest/read-manifest.js';
import { NO_FAULTS, type ReloadFaults } from '../src/manifest/reload-faults.js';
import { ReloadSequence } from '../src/manifest/reload-sequence.js';
import type { ReloadOutcome } from '../src/manifest/reloads.js';
import { isVersionInstance } from '../src/instances/implicit-instance.js';
import { keepManifestInstances } from '../src/instances/keep-manifest-instances.js';
import { listBindings, replaceBindings } from '../src/store/binding-rows.js';
import { aFolder } from './fixtures.js';
import { aRig } from './residency-rig.js';
import type { SimulatedNode } from './simulated-node.js';

function without<T extends object>(row: T, ...keys: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key as keyof T))) as Partial<T>;
}

/** The real sequence over store, registry, wanted set and residency loop, with nodes in memory. */
export async function aReloadRig({ text, nodes }: { readonly text: string; readonly nodes: readonly SimulatedNode[] }) {
  const stateDir = await aFolder();
  const path = join(stateDir, 'manifest.yaml');
  await writeFile(path, text);
  const read = readManifest(text, path, dirname(path));
  if (read.kind === 'broken') throw new Error(JSON.stringify(read.problems));
  const rig = await aRig({ nodes, manifest: read.manifest, stateDir });
  await keepManifestInstances({ store: rig.store, registry: rig.instances, log: silentLog }, read.manifest.instances);
  const bindings = new BindingRegistry([]);
  const plan = bindings.plan(bindingsOf(read.manifest));
  bindings.register(plan, bindingsOf(read.manifest));
  await replaceBindings(rig.store.db, bindings.rowsAfter(plan));
  bindings.activate(plan);
  const hooks: { faults: ReloadFaults; swaps: number; onSwapped: () => void } = { faults: NO_FAULTS, swaps: 0, onSwapped: () => undefined };
  const sequence = new ReloadSequence({
    path, stateDir, served: rig.served, bindings, store: rig.store, catalog: rig.catalog, instances: rig.instances, residency: rig.loop, models: rig.models, signal: new AbortController().signal,
    nodes: { pools: () => rig.registry.pools(), reach: () => ({ nodes: rig.registry.whereabouts(), host: { machineId: null, hostName: 'box' } }) },
    onSwapped: () => {
      hooks.swaps += 1;
      hooks.onSwapped();
    },
    clock: rig.clock, log: silentLog, prepareMs: 8_000,
  });
  const reloads = new ServedReloads({ sequence, bindings, clock: rig.clock, log: silentLog, faults: { at: (moment) => hooks.faults.at(moment) } });

  return {
    ...rig, path, bindings, reloads, hooks,
    /** Writes the text and reloads it, letting time pass. */
    reload: async (next: string): Promise<ReloadOutcome> => {
      await writeFile(path, next);
      let outcome: ReloadOutcome | undefined;
      const waiting = reloads.reload({ source: 'admin_api', path: null, correlationId: 'c1' }).then((done) => void (outcome = done));
      for (let left = 4_000; outcome === undefined && left > 0; left -= 1) {
        await rig.pass(50);
        // Files and the store take real time.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      if (outcome === undefined) throw new Error('the reload did not end');
      await waiting;
      return outcome;
    },
    /** Everything that a failed reload must leave as it was. */
    state: async () => ({
      routes: [...rig.served.current().routes.values()],
      models: [...rig.served.current().models.values()],
      hash: rig.served.current().hash,
      bindings: bindings.statuses(),
      instances: rig.instances.list().toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1)).map((row) => without(row, 'generation', 'updatedAtMs')),
      rows: {
        bindings: await listBindings(rig.store.db),
        models: (await rig.store.db.selectFrom('models').selectAll().orderBy('model_id').execute()).map((row) => without(row, 'updated_at', 'created_at')),
        // What was prepared leaves the number of its last generation.
        instances: (await rig.store.db.selectFrom('instances').selectAll().orderBy('instance_id').execute()).filter(({ instance_id, deleted_at }) => !isVersionInstance(instance_id) || deleted_at === null).map((row) => without(row, 'updated_at', 'generation')),
      },
      copy: await readFile(join(stateDir, 'manifest.last-good.json'), 'utf8').catch(() => null),
      wanted: rig.wantedNow().map((one) => one.replace(/ g\d+$/, '')),
    }),
    /** What a daemon that starts on this state directory serves. */
    restarted: () => openManifest({ config: { manifest: path, state_dir: stateDir }, store: rig.store, log: silentLog }),
  };
}

export type ReloadRig = Awaited<ReturnType<typeof aReloadRig>>;
