import { formatBytes, type Clock } from '@corral/service-kit';
import cliProgress from 'cli-progress';
import type { TextOut } from '../cli-context.js';
import type { ProgressView } from './progress-view.js';

/** Where progress goes: one line that is written over on a terminal, a line now and then elsewhere. */
export interface ProgressReporter {
  show(view: ProgressView): void;
  /** A line that stays. */
  note(line: string): void;
  /** Takes the moving line away, before something else is written to the terminal. */
  clear(): void;
}

const BAR_WIDTH = 24;
const BAR = { barsize: BAR_WIDTH, barCompleteString: '█'.repeat(BAR_WIDTH), barIncompleteString: '░'.repeat(BAR_WIDTH), barGlue: '' };
const LINE_EVERY_MS = 5_000;
const LINE_EVERY_PERCENT = 10;

export function createProgressReporter(out: TextOut, clock: Clock): ProgressReporter {
  return out.isTerminal ? terminalReporter(out) : lineReporter(out, clock);
}

function terminalReporter(out: TextOut): ProgressReporter {
  let shown = '';
  const draw = (text: string): void => {
    if (text === shown) return;
    out.write(`\r\u001B[2K${text}`);
    shown = text;
  };
  return {
    show: (view) => draw(barText(view).slice(0, Math.max(20, (out.columns ?? 80) - 1))),
    note: (line) => {
      const again = shown;
      draw('');
      out.write(`${line}\n`);
      draw(again);
    },
    clear: () => draw(''),
  };
}

/** A new label at once; the same one again every ten percent, or every five seconds while bytes move. */
function lineReporter(out: TextOut, clock: Clock): ProgressReporter {
  let label: string | undefined;
  let line = '';
  let percent = 0;
  let writtenMs = 0;
  return {
    show: (view) => {
      const nowPercent = percentOf(view) ?? 0;
      const isDue = clock.monotonicMs() - writtenMs >= LINE_EVERY_MS || nowPercent - percent >= LINE_EVERY_PERCENT;
      const next = lineText(view);
      if (next === line || (view.label === label && !isDue)) return;
      ({ label } = view);
      line = next;
      percent = nowPercent;
      writtenMs = clock.monotonicMs();
      out.write(`${next}\n`);
    },
    note: (text) => out.write(`${text}\n`),
    clear: () => {},
  };
}

function barText(view: ProgressView): string {
  const { doneBytes, totalBytes } = view;
  const percent = percentOf(view);
  if (doneBytes === null || totalBytes === null || percent === null) return lineText(view);
  const bar = cliProgress.Format.BarFormat(Math.min(1, doneBytes / totalBytes), BAR);
  return `${bar} ${String(percent).padStart(3)} %  ${formatBytes(doneBytes)} / ${formatBytes(totalBytes)}  ${view.label}`;
}

function lineText(view: ProgressView): string {
  const { label, doneBytes, totalBytes } = view;
  if (doneBytes === null) return label;
  const percent = percentOf(view);
  return percent === null || totalBytes === null
    ? `${label}: ${formatBytes(doneBytes)}`
    : `${label}: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} (${percent} %)`;
}

function percentOf({ doneBytes, totalBytes }: ProgressView): number | null {
  if (doneBytes === null || totalBytes === null || totalBytes === 0) return null;
  return Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
}
