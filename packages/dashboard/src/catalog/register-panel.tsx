import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { DeedFailure } from '../shell/deed-button.js';
import { goTo } from '../shell/navigation.js';
import type { PageStore } from '../shell/page-store.js';
import { modelPath } from '../shell/route.js';
import { TextField } from '../shell/text-field.js';
import { fieldOf, NO_REGISTRATION, registrationOf, type RegistrationField, type RegistrationText } from './registration.js';

const DEED = 'register model';

interface FieldText {
  readonly field: RegistrationField;
  readonly label: string;
  readonly help: string;
  readonly lines?: number;
}

const FIELDS: readonly FieldText[] = [
  { field: 'id', label: 'Id', help: 'What clients name: letters, digits and . _ : / @ + - such as tiny or hf:org/repo/file.gguf.' },
  { field: 'sources', label: 'Sources', help: 'One a line, tried in order: hf:org/repo/file.gguf, https://…, pypi:name==version/path, file:/absolute/path. Empty where the id is one.', lines: 2 },
  { field: 'digest', label: 'Digest (optional)', help: 'sha256 of the file. With it, nothing else is ever served under this id.' },
  { field: 'tags', label: 'Tags (optional)', help: 'For people, separated by commas.' },
];

/** The form that registers a model; what the server refuses stands at its field. [U-27] */
export function RegisterPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const [text, setText] = useState<RegistrationText>(NO_REGISTRATION);
  const deed = store.deeds.of(DEED);
  const failure = deed?.state === 'failed' ? deed.failure : null;
  const wrong = failure === null ? null : fieldOf(failure);
  const isBusy = deed?.state === 'asked';
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const body = registrationOf(text);
    if (isBusy || body.id === '') return;
    let id = body.id;
    const isRegistered = await store.act(DEED, async (api) => {
      const result = await api.catalog.register(body);
      // The server may have brought the id into the form that stands for all of the same meaning.
      if (result.ok) id = result.value?.id ?? id;
      return result;
    });
    if (isRegistered) goTo(modelPath(id));
  };
  const change = (field: RegistrationField, value: string): void => {
    if (field === wrong) store.deeds.forget(DEED);
    setText({ ...text, [field]: value });
  };
  return (
    <details class="panel fold" data-panel="register">
      <summary>Register a model</summary>
      <form class="row form" onSubmit={(event) => void submit(event)}>
        {FIELDS.map(({ field, label, help, lines = 1 }) => (
          <TextField key={field} id={`register-${field}`} label={label} help={help} lines={lines} isRequired={field === 'id'} value={text[field]} problem={field === wrong ? (failure?.message ?? null) : null} onText={(value) => change(field, value)} />
        ))}
        {wrong === null && <DeedFailure deed={deed} onDismiss={() => store.deeds.forget(DEED)} />}
        <div class="form__actions">
          <button type="submit" class="button button--main" aria-busy={isBusy}>
            {isBusy ? 'Asking …' : 'Register'}
          </button>
        </div>
      </form>
    </details>
  );
}
