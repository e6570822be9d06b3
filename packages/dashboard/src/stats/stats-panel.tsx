import type { JSX } from 'preact';
import { staleNotice } from '../poll/stale-notice.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { useNowMs } from '../shell/use-store.js';
import { statCards } from './stat-cards.js';

/** A card for each number of the stats. [B-120] */
export function StatsPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const { reading } = store.stats;
  const { text } = staleNotice(reading, EVERY_MS.stats, useNowMs(store));
  return (
    <Panel id="stats" title="At a glance" aside={text}>
      <dl class="cards">
        {statCards(reading.value).map(({ id, label, meaning, value }) => (
          <div key={id} class="card" data-stat={id}>
            <dt>{label}</dt>
            <dd class="card__value">{value}</dd>
            <dd class="card__meaning">{meaning}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
