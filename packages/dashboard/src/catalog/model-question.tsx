import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiResult } from '../api/api-client.js';
import type { ShownModel } from '../api/catalog-api.js';
import type { CorralApi } from '../api/corral-api.js';
import { DeadlineDialog } from '../shell/deadline-dialog.js';
import { goTo } from '../shell/navigation.js';
import type { PageStore } from '../shell/page-store.js';
import { MODELS } from '../shell/route.js';
import { ChangedNotice } from './changed-notice.js';
import { modelChanges } from './model-changes.js';
import { RemoveDialog } from './remove-dialog.js';

interface ModelQuestionProps {
  readonly store: PageStore;
  readonly shown: ShownModel;
  readonly asks: 'retire' | 'remove';
  readonly onClose: () => void;
}

/** The deed that a question leads to, by the name under which its failure is shown. */
export const SUBJECTS = { retire: 'state', remove: 'remove' } as const;

/**
 * Asks before a model is retired or removed. What is answered is about the model as it was when the question came up: a change in between is
 * shown inside the question, with what was typed, and has to be taken up before going on. [U-23 U-30]
 */
export function ModelQuestion({ store, shown, asks, onClose }: ModelQuestionProps): JSX.Element {
  const [asked, setAsked] = useState(shown);
  const { id } = asked.value;
  const subject = `${SUBJECTS[asks]} ${id}`;
  const isStale = asked.etag !== shown.etag || store.deeds.isConflict(subject);
  const forgetConflict = (): void => void (store.deeds.isConflict(subject) && store.deeds.forget(subject));
  const close = (): void => {
    forgetConflict();
    onClose();
  };
  const answer = async (call: (api: CorralApi) => Promise<ApiResult<unknown>>): Promise<void> => {
    const isDone = await store.act(subject, call);
    if (!store.deeds.isConflict(subject)) onClose();
    if (isDone && asks === 'remove') goTo(MODELS);
  };
  const takeUp = (): void => {
    forgetConflict();
    setAsked(shown);
  };
  const notice = isStale && <ChangedNotice title="It was changed while you were asked; nothing was done yet." changes={modelChanges(asked.value, shown.value)} button="Take up the change" onPress={takeUp} />;
  const common = { isPossible: !isStale, isBusy: store.deeds.of(subject)?.state === 'asked', staysOpen: true, onClose: close };
  if (asks === 'remove') {
    return (
      <RemoveDialog {...common} model={shown.value} onConfirm={() => void answer((api) => api.catalog.purge(asked))}>
        {notice}
      </RemoveDialog>
    );
  }
  const retire = (deadlineMs: number | null): void => void answer((api) => api.catalog.changeState(asked, { state: 'Retired', ...(deadlineMs === null ? {} : { deadline_ms: deadlineMs }) }));
  return (
    <DeadlineDialog {...common} title={`Retire ${id}?`} confirm="Retire" notice={notice} onConfirm={retire}>
      From now on, requests for it are refused. Its files stay, and Activate brings it back.
    </DeadlineDialog>
  );
}
