import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ConfirmDialog } from './confirm-dialog.js';
import { deadlineOf } from './deadline.js';
import { TextField } from './text-field.js';

interface DeadlineDialogProps {
  readonly title: string;
  readonly confirm: string;
  /** null = what runs may finish. */
  readonly onConfirm: (deadlineMs: number | null) => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Asks before work is refused, and until when what runs may go on. */
export function DeadlineDialog({ title, confirm, onConfirm, onClose, children }: DeadlineDialogProps): JSX.Element {
  const [text, setText] = useState('');
  const deadline = deadlineOf(text);
  return (
    <ConfirmDialog title={title} confirm={confirm} isPossible={deadline !== undefined} onConfirm={() => deadline !== undefined && onConfirm(deadline)} onClose={onClose}>
      <p>{children}</p>
      <TextField
        id="deadline"
        label="Seconds that what runs may still take"
        help="Empty: as long as it needs. 0: it is cut at once."
        value={text}
        problem={deadline === undefined ? 'Enter a whole number of seconds, 86400 at most, or nothing.' : null}
        onText={setText}
      />
    </ConfirmDialog>
  );
}
