import type { BindingKind, BindingRecord, BindingState } from '@corral/contracts';
import type { Tone } from '../wording/tone.js';

/** One version of one entry of the manifest. */
export interface BindingRow {
  readonly key: string;
  readonly id: string;
  readonly kind: BindingKind;
  /** The id without its kind. */
  readonly name: string;
  /** False for the versions that stand below a newer one of the same entry. */
  readonly isNewest: boolean;
  readonly version: number;
  readonly handler: string;
  /** The model that has a page: the entry itself, or the one that a route leads to; null where it has none. */
  readonly modelId: string | null;
  readonly tone: Tone;
  readonly state: BindingState;
  readonly inFlight: number;
  readonly received: number;
  readonly failed: number;
}

const KINDS: readonly BindingKind[] = ['route', 'instance', 'model', 'pool'];
const TONES: Readonly<Record<BindingState, Tone>> = { registering: 'busy', active: 'good', draining: 'warn', terminated: 'idle' };

/** By kind, then name, each with its newest version first and the older ones below it. [U-25] */
export function bindingRows(bindings: readonly BindingRecord[]): readonly BindingRow[] {
  const models = new Set(bindings.filter(({ kind, state }) => kind === 'model' && state !== 'terminated').map(nameOf));
  const sorted = bindings.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || compare(a.id, b.id) || b.version - a.version);
  return sorted.map((binding, n) => ({
    key: `${binding.id}@${binding.version}`,
    id: binding.id,
    kind: binding.kind,
    name: nameOf(binding),
    isNewest: sorted[n - 1]?.id !== binding.id,
    version: binding.version,
    handler: binding.handler,
    modelId: models.has(modelNamedBy(binding)) ? modelNamedBy(binding) : null,
    tone: TONES[binding.state],
    state: binding.state,
    inFlight: binding.in_flight,
    received: binding.received,
    failed: binding.failed,
  }));
}

/** How many entries are served, and how many old versions still work; terminated ones are history. [U-25] */
export function bindingCounts(bindings: readonly BindingRecord[]): { readonly active: number; readonly draining: number; readonly inFlight: number } {
  return {
    active: bindings.filter(({ state }) => state === 'active').length,
    draining: bindings.filter(({ state }) => state === 'draining').length,
    inFlight: bindings.reduce((sum, { in_flight: inFlight }) => sum + inFlight, 0),
  };
}

/** Rows whose id or target has every word of `text` in it, in one state or, where it is null, in any. */
export function matchingRows(rows: readonly BindingRow[], text: string, state: BindingState | null): readonly BindingRow[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return rows.filter((row) => (state === null || row.state === state) && words.every((word) => `${row.id} ${row.handler}`.toLowerCase().includes(word)));
}

function nameOf({ id }: Pick<BindingRecord, 'id'>): string {
  return id.slice(id.indexOf(':') + 1);
}

function modelNamedBy(binding: BindingRecord): string {
  return binding.kind === 'model' ? nameOf(binding) : binding.handler;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
