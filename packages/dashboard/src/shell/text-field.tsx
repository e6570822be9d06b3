import type { JSX } from 'preact';

export interface TextFieldProps {
  readonly id: string;
  readonly label: string;
  /** What belongs there, for who fills it the first time. */
  readonly help: string;
  readonly value: string;
  readonly lines?: number;
  readonly isRequired?: boolean;
  /** Why the server refused what was there. */
  readonly problem?: string | null;
  readonly onText: (text: string) => void;
}

/** A field with its label, what belongs there, and what is wrong with it. */
export function TextField({ id, label, help, value, lines = 1, isRequired = false, problem = null, onText }: TextFieldProps): JSX.Element {
  const common = {
    id,
    value,
    required: isRequired,
    spellcheck: false,
    autocomplete: 'off',
    'aria-invalid': problem !== null,
    'aria-describedby': `${id}-help${problem === null ? '' : ` ${id}-problem`}`,
    onInput: (event: { readonly currentTarget: { readonly value: string } }) => onText(event.currentTarget.value),
  };
  return (
    <div class="field" data-field={id}>
      <label for={id}>{label}</label>
      {lines === 1 ? <input type="text" class="input" {...common} /> : <textarea class="input" rows={lines} {...common} />}
      {problem !== null && (
        <p id={`${id}-problem`} class="note note--bad" role="alert">
          {problem}
        </p>
      )}
      <p id={`${id}-help`} class="note">
        {help}
      </p>
    </div>
  );
}
