import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import { Listing } from '../shell/listing.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { counted } from '../wording/counted.js';
import { instanceRows, type InstanceRow } from './instance-row.js';

const NONE = 'No instance exists yet. Create one with: corral instances create, or list it under instances: in the manifest.';

/**
 * Every instance: what is wished, where it is, and the buttons that change it. The roles are spelled out because a table that
 * is laid out as blocks, as on a narrow screen, loses its own. [U-09]
 */
export function InstancesPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const { reading } = store.instances;
  const others = store.health.reading.value?.instances ?? [];
  return (
    <Panel id="instances" title="Instances" aside={reading.value === null ? undefined : counted(instanceRows(reading.value, others).length, 'instance')}>
      <Listing reading={reading} lines={3} empty={(own) => (instanceRows(own, others).length === 0 ? NONE : undefined)}>
        {(own) => (
          <table class="table table--instances" role="table">
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
              {instanceRows(own, others).map((row) => (
                <Row key={`${row.orgId}/${row.instanceId}`} row={row} store={store} />
              ))}
            </tbody>
          </table>
        )}
      </Listing>
    </Panel>
  );
}

function Row({ row, store }: { readonly row: InstanceRow; readonly store: PageStore }): JSX.Element {
  const id = `${row.orgId}/${row.instanceId}`;
  const name = { org_id: row.orgId, instance_id: row.instanceId };
  const [load, unload] = [store.deeds.of(`load ${id}`), store.deeds.of(`unload ${id}`)];
  const { tone, label, note, fraction } = row.residency;
  return (
    <>
      <tr role="row" data-instance={id} data-residency={label}>
        <th scope="row" role="rowheader" data-label="Instance">
          <span class="muted">{row.orgId}/</span>
          {row.instanceId}
        </th>
        <td role="cell" data-label="Model">{row.model}</td>
        <td role="cell" data-label="Wished tier">
          {row.tier}
          {row.tierNote !== null && <span class="note">{row.tierNote}</span>}
        </td>
        <td role="cell" data-label="Where it is">
          <Chip tone={tone}>{label}</Chip>
          {fraction !== null && <progress max={1} value={fraction} aria-label={`Progress of ${id}`} />}
          {note !== null && <span class="note figures">{note}</span>}
          {row.lastError !== null && <span class="note note--bad">{row.lastError}</span>}
        </td>
        <td role="cell" data-label="Node / pool">{row.place}</td>
        <td role="cell" class="table__actions">
          {row.actions === null ? (
            <span class="muted">its own keys only</span>
          ) : (
            <>
              <DeedButton label="Load" busyLabel="Asking …" describes={`Load ${id}`} deed={load} isPossible={row.actions.load} onPress={() => void store.load(name)} />
              <DeedButton label="Unload" busyLabel="Asking …" describes={`Unload ${id}`} deed={unload} isPossible={row.actions.unload} onPress={() => void store.unload(name)} />
            </>
          )}
        </td>
      </tr>
      {(load?.state === 'failed' || unload?.state === 'failed') && (
        <tr role="row" class="table__problem">
          <td role="cell" colSpan={6}>
            <DeedFailure deed={load} onDismiss={() => store.deeds.forget(`load ${id}`)} />
            <DeedFailure deed={unload} onDismiss={() => store.deeds.forget(`unload ${id}`)} />
          </td>
        </tr>
      )}
    </>
  );
}
