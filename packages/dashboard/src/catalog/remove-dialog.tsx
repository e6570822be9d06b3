import type { CatalogModel } from '@corral/contracts';
import type { ComponentChildren, JSX } from 'preact';
import { ConfirmDialog, type DialogWays } from '../shell/confirm-dialog.js';
import { counted } from '../wording/counted.js';
import { formatSize } from '../wording/format-size.js';

interface RemoveDialogProps extends DialogWays {
  readonly model: CatalogModel;
  readonly onConfirm: () => void;
  readonly children?: ComponentChildren;
}

/** Says what is lost before it is. [U-23] */
export function RemoveDialog({ model, children, ...ways }: RemoveDialogProps): JSX.Element {
  const nodes = model.availability.filter(({ present }) => present);
  const bytes = nodes.reduce((sum, { size_bytes }) => sum + (size_bytes ?? 0), 0);
  return (
    <ConfirmDialog title={`Remove ${model.id}?`} confirm="Remove" {...ways}>
      <p>
        {nodes.length === 0 ? 'Its entry goes; no node has its file.' : `Its entry goes, and what was fetched of it on ${counted(nodes.length, 'node')}: ${formatSize(bytes)}. Files that were used in place stay where they are.`} This cannot be taken back.
      </p>
      {children}
    </ConfirmDialog>
  );
}
