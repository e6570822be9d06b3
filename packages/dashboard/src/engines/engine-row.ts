import type { EngineMode, NodeEngineList } from '@corral/contracts';
import { verificationView, type VerificationView } from '../catalog/verification-view.js';
import { formatAge } from '../wording/format-age.js';
import { formatSize } from '../wording/format-size.js';
import type { Tone } from '../wording/tone.js';

export type NodeEngine = NodeEngineList['data'][number];

/** One engine bundle of one node. */
export interface EngineRow {
  readonly key: string;
  readonly nodeId: string;
  readonly engineId: string;
  readonly version: string;
  readonly tone: Tone;
  readonly state: string;
  readonly isPinned: boolean;
  /** How it came, for which devices, and how large it is. */
  readonly facts: string;
  /** How it did beside another; null where it was not measured. */
  readonly gain: string | null;
  readonly location: string;
  readonly verification: VerificationView;
  readonly used: string | null;
  /** What keeps it from being deleted; null where nothing does. */
  readonly keptBy: string | null;
  readonly canUse: boolean;
}

const MODES: Readonly<Record<EngineMode, string>> = { package: 'prebuilt', source: 'built here from source', external: 'a server that runs elsewhere' };

/** By node, the bundles that run replicas first. [U-29] */
export function engineRows(engines: readonly NodeEngine[], nowMs: number): readonly EngineRow[] {
  return engines.toSorted((a, b) => compare(a.node_id, b.node_id) || b.chosen_for.length - a.chosen_for.length || compare(a.engine_id, b.engine_id)).map((engine) => engineRow(engine, nowMs));
}

function engineRow(engine: NodeEngine, nowMs: number): EngineRow {
  const { chosen_for: chosen, device_kinds: kinds, gain, last_used_ms: usedMs, size_bytes: bytes } = engine;
  const isRetired = engine.state === 'Retired';
  const isUsed = chosen.length > 0 || engine.used_by.length > 0;
  return {
    key: `${engine.node_id} ${engine.engine_id}`,
    nodeId: engine.node_id,
    engineId: engine.engine_id,
    version: `${engine.engine} ${engine.version}`,
    tone: isRetired || !isUsed ? 'idle' : 'good',
    state: isRetired ? 'Retired' : chosen.length > 0 ? `runs ${chosen.join(', ')}` : isUsed ? 'in use' : 'not in use',
    isPinned: engine.pinned,
    facts: [MODES[engine.mode], `for ${kinds.length === 0 ? 'no device here' : kinds.join(', ')}`, ...(bytes === 0 ? [] : [formatSize(bytes)])].join(', '),
    gain: gain === null ? null : `${times(gain.prefill)} prefill, ${times(gain.decode)} decode beside ${gain.against}, with ${gain.threads === 1 ? '1 thread' : `${gain.threads} threads`}`,
    location: engine.location,
    verification: verificationView(engine.verification, engine.last_verified_ms, nowMs),
    used: usedMs === null ? null : `used ${formatAge(nowMs - usedMs)} ago`,
    keptBy: engine.used_by.length === 0 ? null : engine.used_by.join(', '),
    canUse: !isRetired && kinds.some((kind) => !chosen.includes(kind)),
  };
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} times the`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
