import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ConfirmDialog, type DialogWays } from './confirm-dialog.js';
import { deadlineOf } from './deadline.js';
import { TextField } from './text-field.js';

interface DeadlineDialogProps extends DialogWays {
  readonly title: string;
  readonly confirm: string;
  /** null = what runs may finish. */
  readonly onConfirm: (deadlineMs: number | null) => void;
  /** Stands below the field. */
  readonly notice?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Asks before work is refused, and until when what runs may go on. */
export function DeadlineDialog({ title, confirm, onConfirm, notice, children, isPossible = true, ...ways }: DeadlineDialogProps): JSX.Element {
  const [text, setText] = useState('');
  const deadline = deadlineOf(text);
  return (
    <ConfirmDialog title={title} confirm={confirm} {...ways} isPossible={isPossible && deadline !== undefined} onConfirm={() => deadline !== undefined && onConfirm(deadline)}>
      <p>{children}</p>
      <TextField
        id="deadline"
        label="Seconds that what runs may still take"
        help="Empty: as long as it needs. 0: it is cut at once."
        value={text}
        problem={deadline === undefined ? 'Enter a whole number of seconds, 86400 at most, or nothing.' : null}
        onText={setText}
      />
      {notice}
    </ConfirmDialog>
  );
}
