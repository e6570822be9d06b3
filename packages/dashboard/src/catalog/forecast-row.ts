import type { PoolForecast } from '@corral/contracts';
import { formatSize } from '../wording/format-size.js';
import type { Tone } from '../wording/tone.js';

/** What a model will need of one pool. */
export interface ForecastRow {
  readonly poolId: string;
  readonly nodeId: string;
  readonly tone: Tone;
  readonly label: string;
  /** How much of the pool's whole memory it takes; null while that cannot be told. */
  readonly memory: { readonly text: string; readonly fraction: number } | null;
  readonly weights: string;
  readonly perToken: string;
  readonly largestContext: string;
  readonly reason: string;
}

const UNKNOWN = '–';

/** [U-21] */
export function forecastRow(forecast: PoolForecast): ForecastRow {
  const { fits, required_bytes: required, memory_bytes: memory, weights_bytes: weights, kv_bytes_per_token: perToken, largest_context: largest } = forecast;
  return {
    poolId: forecast.pool_id,
    nodeId: forecast.node_id,
    tone: fits === null ? 'idle' : fits ? 'good' : 'bad',
    label: fits === null ? 'not known yet' : fits ? 'fits' : 'does not fit',
    memory: required === null ? null : { text: `${formatSize(required)} of ${formatSize(memory)}`, fraction: memory === 0 ? 1 : Math.min(1, required / memory) },
    weights: weights === null ? UNKNOWN : formatSize(weights),
    perToken: perToken === null ? UNKNOWN : formatSize(Math.round(perToken)),
    largestContext: largest === null ? UNKNOWN : largest === 0 ? 'none' : `${largest.toLocaleString('en-US')} tokens`,
    reason: forecast.reason,
  };
}
