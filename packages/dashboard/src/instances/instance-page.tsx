import type { Instance } from '@corral/contracts';
import type { JSX } from 'preact';
import type { InstanceName } from '../api/corral-api.js';
import { Chip } from '../shell/chip.js';
import { Listing } from '../shell/listing.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { HOME } from '../shell/route.js';
import { When } from '../shell/when.js';
import { useNowMs, useReading } from '../shell/use-store.js';
import { formatAge } from '../wording/format-age.js';
import { eventLines, type EventLine } from './event-lines.js';
import { instanceRows, type InstanceRow } from './instance-row.js';
import { InstanceTable } from './instance-table.js';
import { LoadAs } from './load-as.js';

/** One instance, and what happened to it. [U-19] */
export function InstancePage({ store, name }: { readonly store: PageStore; readonly name: InstanceName }): JSX.Element {
  const id = `${name.org_id}/${name.instance_id}`;
  const nowMs = useNowMs(store);
  const history = useReading(store, { key: id, everyMs: EVERY_MS.events, ask: (api) => api.events(name) });
  return (
    <>
      <p>
        <a href={HOME}>← Pool page</a>
      </p>
      <h1 class="wraps">{id}</h1>
      <Panel id="instance" title="Now">
        <Listing reading={store.instances.reading} lines={2} empty={(own) => (rowsOf(store, own, name).length === 0 ? `There is no instance ${id}, or it was deleted.` : undefined)}>
          {(own) => (
            <>
              <InstanceTable rows={rowsOf(store, own, name)} store={store} />
              {rowsOf(store, own, name).map((row) => (
                <LoadAs key={row.instanceId} row={row} store={store} />
              ))}
            </>
          )}
        </Listing>
      </Panel>
      <Panel id="history" title="What happened" aside="newest first">
        <Listing reading={history} lines={4} empty={(events) => (events.length === 0 ? 'Nothing has happened to it yet.' : undefined)}>
          {(events) => (
            <ol class="history">
              {eventLines(events).map((line, n, all) => (
                <HistoryLine key={all.length - n} line={line} nowMs={nowMs} />
              ))}
            </ol>
          )}
        </Listing>
      </Panel>
    </>
  );
}

function rowsOf(store: PageStore, own: readonly Instance[], { org_id, instance_id }: InstanceName): readonly InstanceRow[] {
  return instanceRows(own, store.health.reading.value?.instances ?? [], store.ownOrg).filter((row) => row.orgId === org_id && row.instanceId === instance_id);
}

function HistoryLine({ line, nowMs }: { readonly line: EventLine; readonly nowMs: number }): JSX.Element {
  const { atMs, what, tone, why, took, times, firstMs } = line;
  return (
    <li data-event={line.type}>
      <Chip tone={tone}>{what}</Chip>
      {times > 1 && (
        <When atMs={firstMs}>
          {times} times in {formatAge(atMs - firstMs)}
        </When>
      )}
      {took !== null && <span class="figures">{took}</span>}
      <When atMs={atMs} class="muted row__end">
        {formatAge(nowMs - atMs)} ago
      </When>
      {why !== null && <p class="history__why">{why}</p>}
    </li>
  );
}
