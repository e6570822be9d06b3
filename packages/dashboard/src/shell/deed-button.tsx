import type { JSX } from 'preact';
import type { Deed } from '../poll/deeds.js';

export interface DeedButtonProps {
  readonly label: string;
  /** While the server has not answered. */
  readonly busyLabel: string;
  /** For who cannot see the row: `Load default/helpdesk`. */
  readonly describes: string;
  readonly deed: Deed | null;
  readonly isPossible: boolean;
  readonly onPress: () => void;
}

/** A button that says what became of it. One that cannot be used now stays reachable by keyboard, so that focus is never lost under a poll. */
export function DeedButton({ label, busyLabel, describes, deed, isPossible, onPress }: DeedButtonProps): JSX.Element {
  const isBusy = deed?.state === 'asked';
  const isOff = isBusy || !isPossible;
  return (
    <button type="button" class="button" aria-label={describes} aria-disabled={isOff} aria-busy={isBusy} onClick={() => !isOff && onPress()}>
      {isBusy ? busyLabel : label}
    </button>
  );
}

/** Why the server did not do what a button asked of it. */
export function DeedFailure({ deed, onDismiss }: { readonly deed: Deed | null; readonly onDismiss: () => void }): JSX.Element | null {
  if (deed?.state !== 'failed') return null;
  const { message, hint, correlationId } = deed.failure;
  return (
    <div class="problem" role="alert">
      <p>
        {message}
        {hint !== null && <span class="problem__hint">{hint}</span>}
        {correlationId !== null && <span class="problem__id">Correlation id {correlationId}</span>}
      </p>
      <button type="button" class="button button--quiet" onClick={onDismiss}>
        Dismiss
      </button>
    </div>
  );
}
