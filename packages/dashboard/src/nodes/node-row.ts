import type { NodeSummary } from '@corral/contracts';
import { formatAge } from '../wording/format-age.js';
import type { Tone } from '../wording/tone.js';

export interface NodeRow {
  readonly nodeId: string;
  readonly tone: Tone;
  readonly state: string;
  readonly heard: string;
  /** How long ago that was; null where it never was. */
  readonly heardMs: number | null;
  readonly pools: readonly string[];
  readonly address: string;
  readonly version: string;
  readonly problem: string | null;
}

/** One node; `sinceMs` is how long ago the answer came that told of it. [U-12] */
export function nodeRow(node: NodeSummary, sinceMs: number): NodeRow {
  return {
    nodeId: node.node_id,
    tone: node.state === 'online' ? 'good' : node.state === 'registering' ? 'busy' : 'bad',
    state: node.state,
    heard: node.last_heartbeat_ms === null ? 'never heard of' : `heard ${formatAge(node.last_heartbeat_ms + sinceMs)} ago`,
    heardMs: node.last_heartbeat_ms === null ? null : node.last_heartbeat_ms + sinceMs,
    pools: node.pools,
    address: node.address,
    version: node.version ?? 'unknown version',
    problem: node.last_error,
  };
}
