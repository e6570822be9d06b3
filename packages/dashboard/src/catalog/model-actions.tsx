import type { Operation } from '@corral/contracts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiResult } from '../api/api-client.js';
import type { ShownModel } from '../api/catalog-api.js';
import type { CorralApi } from '../api/corral-api.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import type { PageStore } from '../shell/page-store.js';
import { ChangedNotice } from './changed-notice.js';
import { modelChanges } from './model-changes.js';
import { ModelQuestion, SUBJECTS } from './model-question.js';

interface ModelActionsProps {
  readonly store: PageStore;
  readonly shown: ShownModel;
  /** Of this model, the newest first. */
  readonly operations: readonly Operation[];
}

/** What an operator does with a model; why the server did not do it stands below the buttons. [U-22 U-23] */
export function ModelActions({ store, shown, operations }: ModelActionsProps): JSX.Element {
  const [asks, setAsks] = useState<'retire' | 'remove' | null>(null);
  /** The model that the last pressed button was about. */
  const [tried, setTried] = useState(shown);
  const { id, pinned, state } = shown.value;
  const deeds = ['pin', 'verify', 'pull', 'pull all', 'state', 'remove'] as const;
  const isRunning = (kind: RegExp): boolean => operations.some((operation) => operation.state === 'running' && kind.test(operation.kind));
  const button = (deed: (typeof deeds)[number], ask: (api: CorralApi) => Promise<ApiResult<unknown>>) => ({
    busyLabel: 'Asking …',
    isPossible: true,
    deed: store.deeds.of(`${deed} ${id}`),
    onPress: () => {
      setTried(shown);
      void store.act(`${deed} ${id}`, ask);
    },
  });
  const canPull = state === 'Active' && !isRunning(/pull/);
  const turn = button('state', (api) => api.catalog.changeState(shown, { state: 'Active' }));
  return (
    <>
      <div class="deeds">
        <DeedButton {...button('pin', (api) => (pinned ? api.catalog.unpin(shown) : api.catalog.pin(shown)))} label={pinned ? 'Unpin' : 'Pin'} describes={`${pinned ? 'Unpin' : 'Pin'} ${id}`} />
        <DeedButton {...button('verify', (api) => api.catalog.verify(id))} label="Verify" describes={`Verify ${id}: read its files and compare the digest`} isPossible={!isRunning(/verify/)} />
        <DeedButton {...button('pull', (api) => api.catalog.pull(id, {}))} label="Pull" describes={`Pull ${id} to a node`} isPossible={canPull} />
        {(store.nodes.reading.value?.length ?? 0) > 1 && <DeedButton {...button('pull all', (api) => api.catalog.pull(id, { nodes: 'all' }))} label="Pull to all nodes" describes={`Pull ${id} to all nodes`} isPossible={canPull} />}
        <DeedButton {...turn} label={state === 'Active' ? 'Retire …' : 'Activate'} describes={`${state === 'Active' ? 'Retire' : 'Activate'} ${id}`} onPress={() => (state === 'Active' ? setAsks('retire') : turn.onPress())} />
        <DeedButton {...button('remove', (api) => api.catalog.purge(shown))} label="Remove …" busyLabel="Removing …" describes={`Remove ${id} and its files`} onPress={() => setAsks('remove')} />
      </div>
      {deeds
        .filter((deed) => asks === null || SUBJECTS[asks] !== deed)
        .map((deed) => (
          <Failure key={deed} store={store} subject={`${deed} ${id}`} tried={tried} shown={shown} />
        ))}
      {asks !== null && <ModelQuestion store={store} shown={shown} asks={asks} onClose={() => setAsks(null)} />}
    </>
  );
}

interface FailureProps {
  readonly store: PageStore;
  readonly subject: string;
  readonly tried: ShownModel;
  readonly shown: ShownModel;
}

function Failure({ store, subject, tried, shown }: FailureProps): JSX.Element {
  const dismiss = (): void => store.deeds.forget(subject);
  if (!store.deeds.isConflict(subject)) return <DeedFailure deed={store.deeds.of(subject)} onDismiss={dismiss} />;
  return <ChangedNotice title="It was changed before you pressed, so that nothing was done. Press again if you still want it." changes={modelChanges(tried.value, shown.value)} button="Dismiss" onPress={dismiss} />;
}
