import type { JSX } from 'preact';
import { ThroughputPanel } from '../charts/throughput-panel.js';
import { InstancesPanel } from '../instances/instances-panel.js';
import { NodesPanel } from '../nodes/nodes-panel.js';
import { OperationsPanel } from '../operations/operations-panel.js';
import type { PageStore } from '../shell/page-store.js';
import { StagingPanel } from '../staging/staging-panel.js';
import { StatsPanel } from '../stats/stats-panel.js';
import { advice } from './advice.js';
import { PoolsPanel } from './pools-panel.js';
import { serviceVerdict, type ServiceVerdict } from './service-verdict.js';

const UNKNOWN: ServiceVerdict = { tone: 'idle', title: 'Pools', detail: 'Nothing is known yet.', next: '' };

/** What is loaded where, what is on its way, and what is wrong. [B-120 U-07] */
export function PoolPage({ store }: { readonly store: PageStore }): JSX.Element {
  const { failure } = store.pools.reading;
  if (failure?.kind === 'not_allowed') return <OwnInstances store={store} reason={failure.message} />;
  const pools = store.pools.reading.value;
  const nodes = store.nodes.reading.value;
  const verdict = pools === null || nodes === null ? UNKNOWN : serviceVerdict(pools, nodes);
  const hints = advice({ pools: pools ?? [], instances: store.instances.reading.value ?? [], health: store.health.reading.value, waitingIn: (poolId) => store.waitingIn(poolId) });
  return (
    <>
      <div class={`verdict verdict--${verdict.tone}`} data-verdict={verdict.tone}>
        <h1>{verdict.title}</h1>
        <p>
          {verdict.detail} {verdict.next !== '' && <strong>{verdict.next}</strong>}
        </p>
        {hints.map((hint) => (
          <p key={hint} class="verdict__hint">
            {hint}
          </p>
        ))}
      </div>
      <StatsPanel store={store} />
      <ThroughputPanel store={store} />
      <PoolsPanel store={store} />
      <InstancesPanel store={store} />
      <OperationsPanel store={store} />
      <div class="columns">
        <StagingPanel store={store} />
        <NodesPanel store={store} />
      </div>
    </>
  );
}

/** What a caller sees whose role ends at its own organisation. [U-17] */
function OwnInstances({ store, reason }: { readonly store: PageStore; readonly reason: string }): JSX.Element {
  return (
    <>
      <div class="verdict verdict--idle" data-verdict="limited">
        <h1>Your organisation&rsquo;s instances</h1>
        <p>Pools, nodes and totals are for administrators of the whole system: {reason}</p>
      </div>
      <InstancesPanel store={store} />
    </>
  );
}
