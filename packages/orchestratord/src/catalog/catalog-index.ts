import type { ModelState } from '@corral/contracts';
import type { NodePlace } from '../nodes/node-view.js';
import type { Catalog } from './catalog.js';
import { modelsOf } from './fleet-look.js';
import type { KnownModel } from './model-view.js';

/** Which models of the list are asked for; `null` = whatever. */
export interface ModelFilter {
  readonly state: ModelState | null;
  readonly tag: string | null;
  readonly nodeId: string | null;
  /** Part of an id, a source or a tag; without regard to case. */
  readonly text: string | null;
}

export interface IndexSources {
  readonly catalog: Pick<Catalog, 'version' | 'records' | 'record' | 'intent' | 'isRemoved'>;
  /** How a model is served that a node brought; `undefined` when it is not. */
  found(modelId: string): KnownModel['spec'] | undefined;
  places(): readonly NodePlace[];
}

/**
 * Every model that is meant or that a node has, in the order of ids. The order is kept between calls and made anew only
 * when intent or reports have changed, so that a page costs what stands on it.
 */
export class CatalogIndex {
  #ids: readonly string[] = [];
  #version = -1;
  #reports: readonly NodePlace['models'][] = [];

  constructor(private readonly sources: IndexSources) {}

  /** One page and the number of all that the filter lets through. */
  page(filter: ModelFilter, { limit, cursor }: { readonly limit: number; readonly cursor: string | null }): { readonly items: readonly KnownModel[]; readonly nextCursor: string | null; readonly total: number } {
    const ids = this.ids();
    const holds = this.#holderOf(filter.nodeId);
    const fitting = isEmpty(filter) ? ids : ids.filter((id) => holds(id) && this.#fits(id, filter));
    const from = cursor === null ? 0 : firstAfter(fitting, cursor);
    const shown = fitting.slice(from, from + limit);
    return { items: shown.flatMap((id) => this.known(id) ?? []), nextCursor: from + limit < fitting.length ? (shown.at(-1) ?? null) : null, total: fitting.length };
  }

  /** The model under an id; `undefined` when nobody means it and no node has it. */
  known(modelId: string): KnownModel | undefined {
    const { catalog, found } = this.sources;
    const intent = catalog.intent(modelId);
    const record = catalog.record(modelId);
    const spec = record === undefined || record.origin === 'node' ? (found(modelId) ?? record?.spec) : record.spec;
    return spec === undefined ? undefined : { spec, origin: record?.origin ?? 'node', state: record?.state ?? 'Active', intent };
  }

  /** Ids, ascending. */
  ids(): readonly string[] {
    const { catalog, places } = this.sources;
    const reports = places().map(({ models }) => models);
    if (catalog.version() === this.#version && reports.length === this.#reports.length && reports.every((one, n) => one === this.#reports[n])) return this.#ids;
    const own = new Set(catalog.records().map(({ spec }) => spec.model_id));
    for (const place of places()) {
      for (const { model_id, digest, lifecycle } of place.models) if (lifecycle === 'Active' && !catalog.isRemoved(model_id, digest)) own.add(model_id);
    }
    const isSame = own.size === this.#ids.length && this.#ids.every((id) => own.has(id));
    if (!isSame) this.#ids = [...own].sort();
    this.#version = catalog.version();
    this.#reports = reports;
    return this.#ids;
  }

  /** Whether the node has a model, asked for many at once. */
  #holderOf(nodeId: string | null): (modelId: string) => boolean {
    if (nodeId === null) return () => true;
    const place = this.sources.places().find((one) => one.nodeId === nodeId);
    const models = place === undefined ? null : modelsOf(place);
    return (modelId) => models?.has(modelId) === true;
  }

  #fits(id: string, { state, tag, text }: ModelFilter): boolean {
    const { catalog } = this.sources;
    const intent = catalog.intent(id);
    if (state !== null && (intent?.state ?? 'Active') !== state) return false;
    if (tag !== null && intent?.tags.includes(tag) !== true) return false;
    if (text === null) return true;
    const wanted = text.toLowerCase();
    const said = [id, ...(intent?.tags ?? []), ...(catalog.record(id)?.spec.sources ?? [])];
    return said.some((one) => one.toLowerCase().includes(wanted));
  }
}

function isEmpty({ state, tag, nodeId, text }: ModelFilter): boolean {
  return state === null && tag === null && nodeId === null && text === null;
}

/** The place of the first id after another one, in ascending ids. */
function firstAfter(ids: readonly string[], id: string): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? '') <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
