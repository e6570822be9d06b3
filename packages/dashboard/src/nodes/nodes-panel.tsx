import type { AdminHealth } from '@corral/contracts';
import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { Listing } from '../shell/listing.js';
import { PoolLink } from '../shell/links.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { nodeAnchor } from '../shell/route.js';
import { useNowMs } from '../shell/use-store.js';
import { When } from '../shell/when.js';
import { counted } from '../wording/counted.js';
import { busRow, deliveryProblem } from './bus-row.js';
import { nodeRow } from './node-row.js';

const NONE = 'No node has registered. Start pool-managerd with ORCHESTRATOR_URL set to this server; it registers by itself.';

/** Machines that serve, when each was last heard of, and the way that commands take to them. [U-12 U-18] */
export function NodesPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const { reading } = store.nodes;
  const nowMs = useNowMs(store);
  const sinceMs = nowMs - (reading.atMs ?? nowMs);
  const health = store.health.reading;
  return (
    <Panel id="nodes" title="Nodes and event bus" aside={reading.value === null ? undefined : counted(reading.value.length, 'node')}>
      <Listing reading={reading} lines={2} empty={(nodes) => (nodes.length === 0 ? NONE : undefined)}>
        {(nodes) => (
          <ul class="rows">
            {nodes.map((node) => {
              const row = nodeRow(node, sinceMs);
              const waiting = health.value === null ? null : deliveryProblem(health.value, node.node_id);
              return (
                <li key={row.nodeId || row.address} class="row" data-node={row.nodeId} id={nodeAnchor(row.nodeId)} tabIndex={-1}>
                  <div class="row__head">
                    <strong>{row.nodeId}</strong>
                    <Chip tone={row.tone}>{row.state}</Chip>
                    <span class="figures row__end">{row.heardMs === null ? row.heard : <When atMs={nowMs - row.heardMs}>{row.heard}</When>}</span>
                  </div>
                  <p class="muted">
                    {row.pools.length === 0 ? 'no pool' : row.pools.map((pool, n) => [n > 0 && ', ', <PoolLink key={pool} id={pool} />])} · {row.address} · {row.version}
                  </p>
                  {row.problem !== null && <p class="problem">{row.problem}</p>}
                  {waiting !== null && <p class="problem problem--warn">{waiting}</p>}
                </li>
              );
            })}
          </ul>
        )}
      </Listing>
      {health.value !== null && <Bus health={health.value} sinceMs={nowMs - (health.atMs ?? nowMs)} />}
    </Panel>
  );
}

function Bus({ health, sinceMs }: { readonly health: AdminHealth; readonly sinceMs: number }): JSX.Element {
  const { tone, state, kind, published, problem } = busRow(health, sinceMs);
  return (
    <div class="row" data-bus={health.event_bus.mode}>
      <div class="row__head">
        <strong>Event bus</strong>
        <Chip tone={tone}>{state}</Chip>
        <span class="figures row__end">{published}</span>
      </div>
      <p class="muted">{kind}</p>
      {problem !== null && <p class="problem">{problem}</p>}
    </div>
  );
}
