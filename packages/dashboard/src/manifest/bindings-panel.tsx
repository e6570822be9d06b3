import type { BindingRecord, BindingState } from '@corral/contracts';
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Chip } from '../shell/chip.js';
import { ModelLink } from '../shell/links.js';
import { Empty, Panel } from '../shell/panel.js';
import { SearchBar } from '../shell/search-bar.js';
import { ShowMore } from '../shell/show-more.js';
import { counted } from '../wording/counted.js';
import { bindingRows, matchingRows, type BindingRow } from './binding-rows.js';

/** Lines that are drawn at once; a manifest may have thousands. */
const LINES_MAX = 100;
const STATES: readonly BindingState[] = ['active', 'draining', 'terminated', 'registering'];

/** Every entry of the manifest with its versions and the requests that each accepted. [U-25] */
export function BindingsPanel({ bindings }: { readonly bindings: readonly BindingRecord[] }): JSX.Element {
  const [text, setText] = useState('');
  const [state, setState] = useState<BindingState | null>(null);
  const search = (next: string, picked: BindingState | null): void => {
    setText(next);
    setState(picked);
  };
  const rows = useMemo(() => matchingRows(bindingRows(bindings), text, state), [bindings, text, state]);
  return (
    <Panel id="bindings" title="Bindings" aside={`${counted(rows.length, 'version')}${text === '' && state === null ? '' : ' found'}`}>
      {bindings.length === 0 ? (
        <Empty>The manifest defines nothing.</Empty>
      ) : (
        <>
          <SearchBar label="Name or target" text={text} state={state} states={STATES} onSearch={search} />
          {rows.length === 0 ? <Empty>No entry of the manifest is called so or in that state.</Empty> : <ShowMore rows={rows} step={LINES_MAX}>{(some) => <BindingTable rows={some} />}</ShowMore>}
        </>
      )}
    </Panel>
  );
}

/** The roles are spelled out because a table that is laid out as blocks, as on a narrow screen, loses its own. */
function BindingTable({ rows }: { readonly rows: readonly BindingRow[] }): JSX.Element {
  return (
    <table class="table table--stacks table--bindings" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">Entry</th>
          <th scope="col" role="columnheader">Leads to</th>
          <th scope="col" role="columnheader">Version</th>
          <th scope="col" role="columnheader">State</th>
          <th scope="col" role="columnheader" class="number">In flight</th>
          <th scope="col" role="columnheader" class="number">Received</th>
          <th scope="col" role="columnheader" class="number">Failed</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={row.key} role="row" data-binding={row.key} data-state={row.state} class={row.isNewest ? undefined : 'table__older'}>
            <th scope="row" role="rowheader" data-label="Entry">
              <span class="muted">{row.kind}:</span>
              {row.kind === 'model' && row.modelId !== null ? <ModelLink id={row.modelId} /> : row.name}
            </th>
            <td role="cell" data-label="Leads to">{row.kind !== 'model' && row.modelId !== null ? <ModelLink id={row.modelId} /> : row.handler}</td>
            <td role="cell" data-label="Version" class="figures">{row.version}</td>
            <td role="cell" data-label="State">
              <Chip tone={row.tone}>{row.state}</Chip>
            </td>
            <Count label="In flight" value={row.inFlight} />
            <Count label="Received" value={row.received} />
            <Count label="Failed" value={row.failed} isBad={row.failed > 0} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Count({ label, value, isBad = false }: { readonly label: string; readonly value: number; readonly isBad?: boolean }): JSX.Element {
  return (
    <td role="cell" data-label={label} class="number figures">
      <span class={isBad ? 'note--bad' : undefined}>{value.toLocaleString('en-US')}</span>
    </td>
  );
}
