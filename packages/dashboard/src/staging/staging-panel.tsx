import type { NodeSummary } from '@corral/contracts';
import type { JSX } from 'preact';
import { Bar } from '../shell/bar.js';
import { Chip } from '../shell/chip.js';
import { Listing } from '../shell/listing.js';
import { ModelLink, NodeLink } from '../shell/links.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { stagingView } from './staging-view.js';

/** Weights that wait in host RAM, node by node. [U-11] */
export function StagingPanel({ store }: { readonly store: PageStore }): JSX.Element {
  return (
    <Panel id="staging" title="Staging area">
      <Listing reading={store.nodes.reading} lines={2} empty={nothingStages}>
        {(nodes) => (
          <ul class="rows">
            {nodes.flatMap((node) => (node.staging === null ? [] : [<Area key={node.node_id} node={node.node_id} staging={node.staging} />]))}
          </ul>
        )}
      </Listing>
    </Panel>
  );
}

function nothingStages(nodes: readonly NodeSummary[]): string | undefined {
  if (nodes.some(({ staging }) => staging !== null)) return undefined;
  return nodes.length === 0 ? 'No node, and so no staging area.' : 'No node stages models: POOL_MANAGERD_STAGE_MAX_BYTES is 0, or the directory could not be used. Models load from disk.';
}

function Area({ node, staging }: { readonly node: string; readonly staging: NonNullable<NodeSummary['staging']> }): JSX.Element {
  const view = stagingView(staging);
  return (
    <li class="row" data-staging={node}>
      <div class="row__head">
        <strong>
          <NodeLink id={node} />
        </strong>
        <span class="figures row__end">{view.usedText}</span>
      </div>
      <Bar label={`Staging area of ${node}`} text={view.usedText} parts={[{ key: 'used', fraction: view.usedFraction, className: 'hue-0' }]} />
      {view.note !== null && <p class="problem problem--warn">{view.note}</p>}
      {view.entries.length === 0 && <p class="empty">Nothing is staged. Models come here when they leave device memory, or with: corral stage MODEL</p>}
      <ul class="staged">
        {view.entries.map(({ key, model, size, state, fraction, marks }) => (
          <li key={key} data-staged={model}>
            <span class="staged__model">
              <ModelLink id={model} />
            </span>
            <Chip tone={fraction === null ? 'good' : 'busy'}>{state}</Chip>
            <span class="figures">{size}</span>
            {marks.length > 0 && <span class="muted">{marks.join(', ')}</span>}
          </li>
        ))}
      </ul>
      {view.failures.map((failure) => (
        <p key={failure} class="problem">
          {failure}
        </p>
      ))}
    </li>
  );
}
