import Table from 'cli-table3';
import type { Colors } from 'picocolors/types.js';

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/**
 * Columns under a heading, without borders, so that each line stands for itself in `grep` and `awk`.
 *
 * Cells are one line each; the caller says what to print where there is no row.
 */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[], colors: Colors): string {
  const table = new Table({ chars: NO_BORDERS, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } });
  table.push(
    head.map((cell) => colors.dim(cell.toUpperCase())),
    ...rows.map((row) => row.map(oneLine)),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function oneLine(cell: string): string {
  return cell.replaceAll(/\s*\n\s*/g, '; ');
}
