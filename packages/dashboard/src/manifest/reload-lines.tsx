import type { ManifestStatus } from '@corral/contracts';
import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import type { PageStore } from '../shell/page-store.js';
import { Empty } from '../shell/panel.js';
import { When } from '../shell/when.js';
import { useNowMs } from '../shell/use-store.js';
import { reloadRow, type ReloadRow } from './reload-row.js';

/** Names of one group that are written out; a manifest may have thousands. */
const NAMES_MAX = 50;

/** The last reloads: what each changed, or where and why it failed. [U-26] */
export function ReloadLines({ store, manifest }: { readonly store: PageStore; readonly manifest: ManifestStatus }): JSX.Element {
  const nowMs = useNowMs(store);
  if (manifest.reloads.length === 0) {
    return <Empty>Nothing was reloaded since the start. Edit the manifest, then send SIGHUP, run corral reload, or start with --watch.</Empty>;
  }
  return (
    <ol class="history">
      {manifest.reloads.map((reload) => (
        <Line key={`${reload.at} ${reload.status}`} row={reloadRow(reload, nowMs)} />
      ))}
    </ol>
  );
}

function Line({ row }: { readonly row: ReloadRow }): JSX.Element {
  return (
    <li data-reload={row.failure === null ? 'ok' : 'error'}>
      <Chip tone={row.tone}>{row.label}</Chip>
      {row.counts !== null && <strong class="figures">{row.counts}</strong>}
      <span class="muted">by {row.source}</span>
      <When atMs={Date.parse(row.at)} class="muted row__end">
        {row.when}
      </When>
      {row.failure !== null && (
        <div class="problem history__why">
          <div>
            <strong>{row.failure.title}</strong>
            <ul>
              {row.failure.lines.map(({ where, message }) => (
                <li key={`${where} ${message}`} class="fault">
                  {where !== '' && <span class="mono fault__where">{where}</span>}
                  <span>{message}</span>
                </li>
              ))}
            </ul>
            <p class="muted">{row.failure.next}</p>
          </div>
        </div>
      )}
      {row.changes.map(({ what, names }) => (
        <p key={what} class="history__why">
          <span class="muted">{what}:</span> {names.slice(0, NAMES_MAX).join(', ')}
          {names.length > NAMES_MAX && ` and ${(names.length - NAMES_MAX).toLocaleString('en-US')} more`}
        </p>
      ))}
      {row.notes.map((note) => (
        <p key={note} class="history__why">
          {note}
        </p>
      ))}
      {row.steps !== '' && <p class="history__why note figures">{row.steps}</p>}
    </li>
  );
}
