import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** How a question is answered. */
export interface DialogWays {
  readonly isPossible?: boolean;
  /** The answer is on its way to the server. */
  readonly isBusy?: boolean;
  /** Whoever asks closes it once it is settled, because an answer may have to be given again. */
  readonly staysOpen?: boolean;
  readonly onClose: () => void;
}

export interface ConfirmDialogProps extends DialogWays {
  readonly title: string;
  /** What the button that goes on says: what it does, not "OK". */
  readonly confirm: string;
  readonly onConfirm: () => void;
  readonly children: ComponentChildren;
}

/** Asks before what cannot be taken back. Escape and the other button lead out of it, and focus returns to where it came from. [U-23] */
export function ConfirmDialog({ title, confirm, isPossible = true, isBusy = false, staysOpen = false, onConfirm, onClose, children }: ConfirmDialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isPossible || isBusy) return;
    if (!staysOpen) onClose();
    onConfirm();
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" onClose={onClose}>
      <form class="dialog__form" onSubmit={submit}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        <div class="dialog__actions">
          <button type="button" class="button" onClick={onClose} autofocus>
            Cancel
          </button>
          <button type="submit" class="button button--danger" aria-disabled={!isPossible || isBusy} aria-busy={isBusy}>
            {isBusy ? 'Asking …' : confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
