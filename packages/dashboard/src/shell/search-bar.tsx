import type { JSX } from 'preact';

interface SearchBarProps<S extends string> {
  /** What the text is looked for in. */
  readonly label: string;
  readonly placeholder?: string;
  readonly text: string;
  /** null = any. */
  readonly state: S | null;
  readonly states: readonly S[];
  readonly onSearch: (text: string, state: S | null) => void;
}

/** Narrows a list by a text and a state. */
export function SearchBar<S extends string>({ label, placeholder, text, state, states, onSearch }: SearchBarProps<S>): JSX.Element {
  return (
    <form class="search" role="search" onSubmit={(event) => event.preventDefault()}>
      <label class="search__field">
        <span class="search__label">{label}</span>
        <input type="search" class="input" value={text} placeholder={placeholder} spellcheck={false} autocomplete="off" onInput={(event) => onSearch(event.currentTarget.value, state)} />
      </label>
      <label class="search__field search__field--short">
        <span class="search__label">State</span>
        <select class="input" value={state ?? ''} onChange={(event) => onSearch(text, states.find((known) => known === event.currentTarget.value) ?? null)}>
          <option value="">any</option>
          {states.map((known) => (
            <option key={known} value={known}>
              {known}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}
