import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { LineChart } from './line-chart.js';
import { throughput } from './throughput.js';

/** What the server did while this page was open: it keeps no history, so that the lines begin when the page does. [U-10] */
export function ThroughputPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const readings = store.throughput;
  const points = useMemo(() => throughput(readings), [readings]);
  const last = points.at(-1);
  const times = points.map(({ atMs }) => atMs / 1_000);
  return (
    <Panel id="throughput" title="Throughput" aside="since this page was opened, 15 min at most">
      <div class="charts">
        <LineChart title="Tokens per second" now={last === undefined ? '–' : last.tokensPerS.toFixed(1)} times={times} values={points.map(({ tokensPerS }) => tokensPerS)} hue={0} />
        <LineChart title="Waiting tasks" now={last === undefined ? '–' : String(last.queued)} times={times} values={points.map(({ queued }) => queued)} hue={3} />
        <LineChart title="Loads in a minute" now={last === undefined ? '–' : String(last.loadsPerMin)} times={times} values={points.map(({ loadsPerMin }) => loadsPerMin)} hue={1} />
      </div>
    </Panel>
  );
}
