import type { JSX } from 'preact';
import type { PageStore } from '../shell/page-store.js';
import { InstanceLine } from './instance-line.js';
import type { InstanceRow } from './instance-row.js';

/** The roles are spelled out because a table that is laid out as blocks, as on a narrow screen, loses its own. */
export function InstanceTable({ rows, store }: { readonly rows: readonly InstanceRow[]; readonly store: PageStore }): JSX.Element {
  return (
    <table class="table table--stacks table--instances" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Instance</th>
          <th scope="col" role="columnheader">Model</th>
          <th scope="col" role="columnheader">Wished tier</th>
          <th scope="col" role="columnheader">Where it is</th>
          <th scope="col" role="columnheader">Node / pool</th>
          <th scope="col" role="columnheader">
            <span class="unseen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <InstanceLine key={`${row.orgId}/${row.instanceId}`} row={row} store={store} />
        ))}
      </tbody>
    </table>
  );
}
