import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, ModelSpec } from '@corral/contracts';
import type { Catalog } from '../src/catalog/catalog.js';
import type { ModelRecord } from '../src/catalog/model-intent.js';
import type { Command } from '../src/store/outbox-rows.js';
import type { InstanceDefinition } from '../src/store/instance-rows.js';

const folders: string[] = [];

/** A folder that {@link removeFolders} takes away. */
export async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-orchd-'));
  folders.push(folder);
  return folder;
}

export async function removeFolders(): Promise<void> {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

export function aModelSpec(over: Partial<ModelSpec> = {}): ModelSpec {
  return { model_id: 'smollm2', sources: ['file:/models/smollm2.gguf'], digest: `sha256:${'a'.repeat(64)}`, context: 2_048, slots: 4, pinned: false, ...over };
}

export function anInstance(over: Partial<InstanceDefinition> = {}): InstanceDefinition {
  return { orgId: 'default', instanceId: 'model.smollm2', kind: 'implicit', name: null, status: 'active', origin: 'server', modelRef: 'smollm2', tier: 'demand', ttlS: null, config: {}, configHash: 'c0', ...over };
}

export function anAssignment(over: Partial<Assignment> = {}): Assignment {
  const model = over.model ?? aModelSpec();
  return {
    instance_id: 'model.smollm2',
    org_id: 'default',
    tier: 'demand',
    wanted: 'resident',
    model_ref: model.model_id,
    model,
    digest: model.digest,
    config_hash: 'c0',
    generation: 1,
    source: 'demand',
    reason: 'a request waits for it',
    target: { node_id: 'n1', pool_id: 'p1' },
    correlation_id: 'corr-1',
    ...over,
  };
}

let messages = 0;
export function aCommand(over: Partial<Assignment> = {}): Command {
  const data = anAssignment(over);
  const envelope = { specversion: '1.0', source: 'orchestratord', time: '2026-01-01T00:00:00.000Z', datacontenttype: 'application/json' } as const;
  return { ...envelope, id: `message-${messages++}`, type: data.wanted === 'resident' ? 'orchestrator.load' : 'orchestrator.unload', correlationid: data.correlation_id, data };
}

/** What a catalog with these models says. */
export function aCatalogOf(records: readonly ModelRecord[]): Pick<Catalog, 'record' | 'records' | 'pinned' | 'isRetired' | 'isPurged' | 'isRemoved'> {
  const byId = new Map(records.map((record) => [record.spec.model_id, record]));
  return {
    record: (id) => byId.get(id),
    records: () => records,
    pinned: () => records.flatMap(({ spec, state }) => (spec.pinned && state === 'Active' ? [spec] : [])),
    isRetired: (id) => byId.get(id)?.state === 'Retired',
    isPurged: () => false,
    isRemoved: () => false,
  };
}
