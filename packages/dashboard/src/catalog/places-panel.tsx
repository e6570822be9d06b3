import type { CatalogModel } from '@corral/contracts';
import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { NodeLink } from '../shell/links.js';
import { Empty, Panel } from '../shell/panel.js';
import { formatSize } from '../wording/format-size.js';
import { shortDigest } from '../wording/short-digest.js';
import { modelPlace } from './model-place.js';
import { verificationView } from './verification-view.js';
import { VerificationChip } from './verification-chip.js';

/** Where a model is, node by node. [U-21] */
export function PlacesPanel({ model, nowMs }: { readonly model: CatalogModel; readonly nowMs: number }): JSX.Element {
  return (
    <Panel id="places" title="Where it is">
      {model.availability.length === 0 ? (
        <Empty>No node has it. Pull brings it to one; so does the first request that names it.</Empty>
      ) : (
        <ul class="rows">
          {model.availability.map((on) => {
            const { nodeId, tone, label } = modelPlace(on);
            return (
              <li key={nodeId} class="row" data-place={nodeId}>
                <div class="row__head">
                  <strong>
                    <NodeLink id={nodeId} />
                  </strong>
                  <Chip tone={tone}>{label}</Chip>
                  {on.size_bytes !== null && <span class="figures row__end">{formatSize(on.size_bytes)}</span>}
                </div>
                {on.digest !== null && model.digest !== null && on.digest !== model.digest && <p class="note note--bad">Another file lies there: {shortDigest(on.digest)}</p>}
                {on.present && (
                  <div>
                    <VerificationChip view={verificationView(on.verification, on.last_verified_ms, nowMs)} />
                  </div>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}
