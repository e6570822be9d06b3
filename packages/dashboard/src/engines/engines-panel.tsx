import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { VerificationChip } from '../catalog/verification-chip.js';
import { Chip } from '../shell/chip.js';
import { ConfirmDialog } from '../shell/confirm-dialog.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import { Listing } from '../shell/listing.js';
import { NodeLink } from '../shell/links.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { useNowMs, useReading } from '../shell/use-store.js';
import { counted } from '../wording/counted.js';
import { engineRows, type EngineRow } from './engine-row.js';

/** The builds that run models, node by node. [U-29] */
export function EnginesPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const reading = useReading(store, { key: 'engines', everyMs: EVERY_MS.engines, ask: (api) => api.engines.list() });
  const nowMs = useNowMs(store);
  return (
    <Panel id="engines" title="Engines" aside={reading.value === null ? undefined : counted(reading.value.length, 'bundle')}>
      <Listing reading={reading} lines={2} empty={(engines) => (engines.length === 0 ? 'No node that reports has an engine bundle.' : undefined)}>
        {(engines) => (
          <ul class="pools">
            {engineRows(engines, nowMs).map((row) => (
              <Bundle key={row.key} row={row} store={store} />
            ))}
          </ul>
        )}
      </Listing>
    </Panel>
  );
}

function Bundle({ row, store }: { readonly row: EngineRow; readonly store: PageStore }): JSX.Element {
  return (
    <li class="pool" data-engine={row.engineId}>
      <div class="pool__head">
        <h3>{row.engineId}</h3>
        <Chip tone={row.tone}>{row.state}</Chip>
        {row.isPinned && <span class="tag">pinned</span>}
        <span class="muted pool__actions">
          <NodeLink id={row.nodeId} />
        </span>
      </div>
      <p>
        {row.version}, {row.facts}
        {row.used !== null && <span class="muted">, {row.used}</span>}
      </p>
      {row.gain !== null && <p>{row.gain}</p>}
      <p class="mono muted">{row.location}</p>
      <div>
        <VerificationChip view={row.verification} />
      </div>
      {row.keptBy !== null && <p class="note">Kept by {row.keptBy}</p>}
      <Deeds row={row} store={store} />
    </li>
  );
}

function Deeds({ row, store }: { readonly row: EngineRow; readonly store: PageStore }): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const { nodeId, engineId, isPinned, canUse } = row;
  const name = { node_id: nodeId, engine_id: engineId };
  const id = `${engineId} on ${nodeId}`;
  const subjects = ['use', 'pin', 'verify', 'remove'].map((deed) => `${deed} engine ${id}`);
  const [use, pin, verify, remove] = subjects.map((subject) => store.deeds.of(subject));
  const button = { busyLabel: 'Asking …', isPossible: true };
  return (
    <>
      <div class="deeds">
        <DeedButton {...button} label="Use" describes={`Use ${id}: replicas move to it, one after another`} deed={use ?? null} isPossible={canUse} onPress={() => void store.act(`use engine ${id}`, (api) => api.engines.use(name))} />
        <DeedButton {...button} label="Verify" describes={`Verify ${id}: read its files and compare their digests`} deed={verify ?? null} onPress={() => void store.act(`verify engine ${id}`, (api) => api.engines.verify(name))} />
        <DeedButton {...button} label={isPinned ? 'Unpin' : 'Pin'} describes={`${isPinned ? 'Unpin' : 'Pin'} ${id}`} deed={pin ?? null} onPress={() => void store.act(`pin engine ${id}`, (api) => api.engines.change(name, { pinned: !isPinned }))} />
        <DeedButton {...button} label="Remove …" describes={`Remove ${id}`} deed={remove ?? null} onPress={() => setAsking(true)} />
      </div>
      {subjects.map((subject) => (
        <DeedFailure key={subject} deed={store.deeds.of(subject)} onDismiss={() => store.deeds.forget(subject)} />
      ))}
      {isAsking && (
        <ConfirmDialog title={`Remove ${id}?`} confirm="Remove" onConfirm={() => void store.act(`remove engine ${id}`, (api) => api.engines.remove(name))} onClose={() => setAsking(false)}>
          <p>Its entry goes from {nodeId}, and its files where Corral has put them there. It would have to be fetched or built again.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
