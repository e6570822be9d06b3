import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { Listing } from '../shell/listing.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { useNowMs } from '../shell/use-store.js';
import { counted } from '../wording/counted.js';
import { nodeRow } from './node-row.js';

const NONE = 'No node has registered. Start pool-managerd with ORCHESTRATOR_URL set to this server; it registers by itself.';

/** Machines that serve, and when each was last heard of. [U-12] */
export function NodesPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const { reading } = store.nodes;
  const sinceMs = useNowMs(store) - (reading.atMs ?? store.nowMs());
  return (
    <Panel id="nodes" title="Nodes" aside={reading.value === null ? undefined : counted(reading.value.length, 'node')}>
      <Listing reading={reading} lines={2} empty={(nodes) => (nodes.length === 0 ? NONE : undefined)}>
        {(nodes) => (
          <ul class="rows">
            {nodes.map((node) => {
              const row = nodeRow(node, sinceMs);
              return (
                <li key={row.nodeId || row.address} class="row" data-node={row.nodeId}>
                  <div class="row__head">
                    <strong>{row.nodeId}</strong>
                    <Chip tone={row.tone}>{row.state}</Chip>
                    <span class="figures row__end">{row.heard}</span>
                  </div>
                  <p class="muted">
                    {row.pools} · {row.address} · {row.version}
                  </p>
                  {row.problem !== null && <p class="problem">{row.problem}</p>}
                </li>
              );
            })}
          </ul>
        )}
      </Listing>
    </Panel>
  );
}
