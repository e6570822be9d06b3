import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import { ModelLink, NodeLink, PoolLink } from '../shell/links.js';
import type { PageStore } from '../shell/page-store.js';
import { instancePath } from '../shell/route.js';
import type { InstanceRow } from './instance-row.js';

/** One instance in the table, and below it why a button failed. */
export function InstanceLine({ row, store }: { readonly row: InstanceRow; readonly store: PageStore }): JSX.Element {
  const id = `${row.orgId}/${row.instanceId}`;
  const name = { org_id: row.orgId, instance_id: row.instanceId };
  const [load, unload] = [store.deeds.of(`load ${id}`), store.deeds.of(`unload ${id}`)];
  const { tone, label, note, fraction } = row.residency;
  return (
    <>
      <tr role="row" data-instance={id} data-residency={label}>
        <th scope="row" role="rowheader" data-label="Instance">
          <a href={instancePath(name)}>
            <span class="muted">{row.orgId}/</span>
            {row.instanceId}
          </a>
        </th>
        <td role="cell" data-label="Model">{row.model === null ? '–' : <ModelLink id={row.model} />}</td>
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
        <td role="cell" data-label="Node / pool">
          <Place place={row.place} />
        </td>
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

function Place({ place }: { readonly place: InstanceRow['place'] }): JSX.Element {
  if (place === null) return <>–</>;
  return (
    <span>
      {place.nodeId === null ? '?' : <NodeLink id={place.nodeId} />} / <PoolLink id={place.poolId} />
    </span>
  );
}
