import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ConfirmDialog } from '../shell/confirm-dialog.js';
import { TextField } from '../shell/text-field.js';
import { deadlineOf } from './deadline.js';

interface RetireDialogProps {
  readonly modelId: string;
  /** null = what runs may finish. */
  readonly onRetire: (deadlineMs: number | null) => void;
  readonly onClose: () => void;
}

/** Asks until when what runs may go on. [U-22] */
export function RetireDialog({ modelId, onRetire, onClose }: RetireDialogProps): JSX.Element {
  const [text, setText] = useState('');
  const deadline = deadlineOf(text);
  return (
    <ConfirmDialog title={`Retire ${modelId}?`} confirm="Retire" isPossible={deadline !== undefined} onConfirm={() => deadline !== undefined && onRetire(deadline)} onClose={onClose}>
      <p>From now on, requests for it are refused. Its files stay, and Activate brings it back.</p>
      <TextField
        id="retire-deadline"
        label="Seconds that what runs may still take"
        help="Empty: as long as it needs. 0: it is cut at once."
        value={text}
        problem={deadline === undefined ? 'Enter a whole number of seconds, 86400 at most, or nothing.' : null}
        onText={setText}
      />
    </ConfirmDialog>
  );
}
