import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { NodeLink } from '../shell/links.js';
import { modelPath } from '../shell/route.js';
import type { ModelRow } from './model-row.js';
import { VerificationChip } from './verification-chip.js';

/** The roles are spelled out because a table that is laid out as blocks, as on a narrow screen, loses its own. [U-20] */
export function ModelTable({ rows }: { readonly rows: readonly ModelRow[] }): JSX.Element {
  return (
    <table class="table table--stacks table--models" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Model</th>
          <th scope="col" role="columnheader">State</th>
          <th scope="col" role="columnheader">File</th>
          <th scope="col" role="columnheader">Verification</th>
          <th scope="col" role="columnheader">Where it is</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <Line key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ row }: { readonly row: ModelRow }): JSX.Element {
  return (
    <tr role="row" data-model={row.id}>
      <th scope="row" role="rowheader" data-label="Model">
        <a href={modelPath(row.id)}>{row.id}</a>
        <span class="note">
          {row.origin}
          {row.isPinned && ', pinned'}
        </span>
        {row.tags.length > 0 && (
          <span class="tags">
            {row.tags.map((tag) => (
              <span key={tag} class="tag">
                {tag}
              </span>
            ))}
          </span>
        )}
      </th>
      <td role="cell" data-label="State">
        <Chip tone={row.state.tone}>{row.state.label}</Chip>
        {row.state.note !== null && <span class="note figures">{row.state.note}</span>}
      </td>
      <td role="cell" data-label="File">
        <span class="figures">{row.file ?? 'not fetched'}</span>
        {row.digest !== null && (
          <span class="note mono digest" title={row.digest.full}>
            {row.digest.short}
          </span>
        )}
      </td>
      <td role="cell" data-label="Verification">
        <VerificationChip view={row.verification} />
      </td>
      <td role="cell" data-label="Where it is">
        {row.places.length === 0 && <span class="muted">on no node</span>}
        {row.places.map(({ nodeId, tone, label }) => (
          <span key={nodeId} class="place">
            <NodeLink id={nodeId} />
            <Chip tone={tone}>{label}</Chip>
          </span>
        ))}
        {row.used !== null && <span class="note figures">{row.used}</span>}
        {row.morePlaces > 0 && <span class="note">and on {row.morePlaces} more</span>}
      </td>
    </tr>
  );
}
