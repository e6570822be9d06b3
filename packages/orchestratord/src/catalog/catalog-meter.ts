import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import { boundedLabel, type Metrics } from '@corral/service-kit';
import type { Catalog } from './catalog.js';

/** Models with a series of their own; the rest are counted together. */
const SHOWN_MAX = 512;

/** The series of what is meant for models, read off the catalog at each scrape. [B-93 H-02] */
export class CatalogMeter {
  readonly #labelOf = boundedLabel(SHOWN_MAX);
  #shown: ReadonlyMap<string, { readonly model_id: string; readonly state: string }> = new Map();

  constructor(
    private readonly catalog: Pick<Catalog, 'records'>,
    private readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>,
  ) {}

  readonly read = (): void => {
    const counts = new Map<string, { readonly model_id: string; readonly state: string; count: number }>();
    for (const { spec, state } of this.catalog.records()) {
      const labels = { model_id: this.#labelOf(spec.model_id), state };
      const key = `${state} ${labels.model_id}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { ...labels, count: 1 });
      else known.count += 1;
    }
    for (const [key, { model_id, state }] of this.#shown) if (!counts.has(key)) this.metrics.remove('model_state', { model_id, state });
    for (const { model_id, state, count } of counts.values()) this.metrics.set('model_state', { model_id, state }, count);
    this.#shown = counts;
  };
}
