import type { PoolForecast } from '@corral/contracts';
import type { JSX } from 'preact';
import { Bar } from '../shell/bar.js';
import { Chip } from '../shell/chip.js';
import { Fact } from '../shell/fact.js';
import { NodeLink, PoolLink } from '../shell/links.js';
import { Empty, Panel } from '../shell/panel.js';
import { counted } from '../wording/counted.js';
import { forecastRow } from './forecast-row.js';

/** What the model will need of each pool, before anybody loads it. [U-21] */
export function ForecastPanel({ forecast, context, slots }: { readonly forecast: readonly PoolForecast[]; readonly context: number; readonly slots: number }): JSX.Element {
  return (
    <Panel id="forecast" title="What it will need" aside={`${counted(slots, 'slot')} of ${context.toLocaleString('en-US')} tokens`}>
      {forecast.length === 0 ? (
        <Empty>No pool is known, so nothing can be said. Start pool-managerd; its pools appear here by themselves.</Empty>
      ) : (
        <ul class="pools">
          {forecast.map((pool) => (
            <Pool key={`${pool.node_id} ${pool.pool_id}`} pool={pool} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Pool({ pool }: { readonly pool: PoolForecast }): JSX.Element {
  const row = forecastRow(pool);
  return (
    <li class="pool" data-forecast={row.poolId} data-fits={String(pool.fits)}>
      <div class="pool__head">
        <h3>
          <PoolLink id={row.poolId} />
        </h3>
        <Chip tone={row.tone}>{row.label}</Chip>
        <span class="muted pool__actions">
          <NodeLink id={row.nodeId} />
        </span>
      </div>
      {row.memory !== null && (
        <div class="pool__memory">
          <Bar label={`Memory of ${row.poolId} that it takes`} text={row.memory.text} parts={[{ key: 'needs', fraction: row.memory.fraction, className: pool.fits === false ? 'hue-bad' : 'hue-0' }]} />
          <span class="figures">{row.memory.text}</span>
        </div>
      )}
      <dl class="facts">
        <Fact label="Weights">{row.weights}</Fact>
        <Fact label="Cache per token">{row.perToken}</Fact>
        <Fact label="Largest context per slot">{row.largestContext}</Fact>
      </dl>
      <p class={row.tone === 'bad' ? 'problem' : 'muted'}>{row.reason}</p>
    </li>
  );
}
