import type { CatalogModel } from '@corral/contracts';
import type { JSX } from 'preact';
import { ConfirmDialog } from '../shell/confirm-dialog.js';
import { counted } from '../wording/counted.js';
import { formatSize } from '../wording/format-size.js';

interface RemoveDialogProps {
  readonly model: CatalogModel;
  readonly onRemove: () => void;
  readonly onClose: () => void;
}

/** Says what is lost before it is. [U-23] */
export function RemoveDialog({ model, onRemove, onClose }: RemoveDialogProps): JSX.Element {
  const nodes = model.availability.filter(({ present }) => present);
  const bytes = nodes.reduce((sum, { size_bytes }) => sum + (size_bytes ?? 0), 0);
  return (
    <ConfirmDialog title={`Remove ${model.id}?`} confirm="Remove" onConfirm={onRemove} onClose={onClose}>
      <p>
        {nodes.length === 0 ? 'Its entry goes; no node has its file.' : `Its entry goes, and what was fetched of it on ${counted(nodes.length, 'node')}: ${formatSize(bytes)}. Files that were used in place stay where they are.`} This cannot be taken back.
      </p>
    </ConfirmDialog>
  );
}
