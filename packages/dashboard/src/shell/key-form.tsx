import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AccessGate } from './access-gate.js';

/** Asks for a key in place of the page. */
export function KeyForm({ gate, onKey }: { readonly gate: AccessGate; readonly onKey: (key: string) => void }): JSX.Element {
  const [key, setKey] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    if (key.trim() !== '') onKey(key);
  };
  return (
    <form class="key-form" onSubmit={submit} autocomplete="off">
      <h1>{gate.title}</h1>
      <p role="alert">{gate.detail}</p>
      {gate.hint !== null && <p class="muted">{gate.hint}</p>}
      {gate.asksForKey && (
        <div class="key-form__row">
          <label for="api-key">API key</label>
          <input
            id="api-key"
            type="password"
            name="api-key"
            autocomplete="off"
            spellcheck={false}
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
            ref={(input) => input?.focus()}
          />
          <button type="submit" class="button button--main">
            Use this key
          </button>
        </div>
      )}
    </form>
  );
}
