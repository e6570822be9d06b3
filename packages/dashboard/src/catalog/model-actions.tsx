import type { CatalogModel, Operation } from '@corral/contracts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { DeadlineDialog } from '../shell/deadline-dialog.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import { goTo } from '../shell/navigation.js';
import type { PageStore } from '../shell/page-store.js';
import { MODELS } from '../shell/route.js';
import { RemoveDialog } from './remove-dialog.js';

interface ModelActionsProps {
  readonly store: PageStore;
  readonly model: CatalogModel;
  /** Of this model, the newest first. */
  readonly operations: readonly Operation[];
}

/** What an operator does with a model; why the server did not do it stands below the buttons. [U-22 U-23] */
export function ModelActions({ store, model, operations }: ModelActionsProps): JSX.Element {
  const [asks, setAsks] = useState<'retire' | 'remove' | null>(null);
  const { id, pinned, state } = model;
  const subjects = ['pin', 'verify', 'pull', 'pull all', 'state', 'remove'].map((deed) => `${deed} ${id}`);
  const [pin, verify, pull, pullAll, change, remove] = subjects.map((subject) => store.deeds.of(subject));
  const isRunning = (kind: RegExp): boolean => operations.some((operation) => operation.state === 'running' && kind.test(operation.kind));
  const purge = async (): Promise<void> => {
    if (await store.act(`remove ${id}`, (api) => api.catalog.purge(id))) goTo(MODELS);
  };
  const retire = (deadlineMs: number | null): void =>
    void store.act(`state ${id}`, (api) => api.catalog.changeState(id, { state: 'Retired', ...(deadlineMs === null ? {} : { deadline_ms: deadlineMs }) }));
  const activate = (): void => void store.act(`state ${id}`, (api) => api.catalog.changeState(id, { state: 'Active' }));
  const button = { busyLabel: 'Asking …', isPossible: true };
  return (
    <>
      <div class="deeds">
        <DeedButton {...button} label={pinned ? 'Unpin' : 'Pin'} describes={`${pinned ? 'Unpin' : 'Pin'} ${id}`} deed={pin ?? null} onPress={() => void store.act(`pin ${id}`, (api) => (pinned ? api.catalog.unpin(id) : api.catalog.pin(id)))} />
        <DeedButton {...button} label="Verify" describes={`Verify ${id}: read its files and compare the digest`} deed={verify ?? null} isPossible={!isRunning(/verify/)} onPress={() => void store.act(`verify ${id}`, (api) => api.catalog.verify(id))} />
        <DeedButton {...button} label="Pull" describes={`Pull ${id} to a node`} deed={pull ?? null} isPossible={state === 'Active' && !isRunning(/pull/)} onPress={() => void store.act(`pull ${id}`, (api) => api.catalog.pull(id, {}))} />
        {(store.nodes.reading.value?.length ?? 0) > 1 && (
          <DeedButton {...button} label="Pull to all nodes" describes={`Pull ${id} to all nodes`} deed={pullAll ?? null} isPossible={state === 'Active' && !isRunning(/pull/)} onPress={() => void store.act(`pull all ${id}`, (api) => api.catalog.pull(id, { nodes: 'all' }))} />
        )}
        <DeedButton {...button} label={state === 'Active' ? 'Retire …' : 'Activate'} describes={`${state === 'Active' ? 'Retire' : 'Activate'} ${id}`} deed={change ?? null} onPress={() => (state === 'Active' ? setAsks('retire') : activate())} />
        <DeedButton {...button} label="Remove …" busyLabel="Removing …" describes={`Remove ${id} and its files`} deed={remove ?? null} onPress={() => setAsks('remove')} />
      </div>
      {subjects.map((subject) => (
        <DeedFailure key={subject} deed={store.deeds.of(subject)} onDismiss={() => store.deeds.forget(subject)} />
      ))}
      {asks === 'retire' && (
        <DeadlineDialog title={`Retire ${id}?`} confirm="Retire" onConfirm={retire} onClose={() => setAsks(null)}>
          From now on, requests for it are refused. Its files stay, and Activate brings it back.
        </DeadlineDialog>
      )}
      {asks === 'remove' && <RemoveDialog model={model} onRemove={() => void purge()} onClose={() => setAsks(null)} />}
    </>
  );
}
