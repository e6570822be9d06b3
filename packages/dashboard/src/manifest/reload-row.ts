import type { ReloadErrorKind, ReloadFailed, ReloadRecord, ReloadSource, ReloadSucceeded } from '@corral/contracts';
import { formatAge } from '../wording/format-age.js';
import { formatDuration } from '../wording/format-duration.js';
import type { Tone } from '../wording/tone.js';

/** A reload that came to its end. */
export interface ReloadRow {
  readonly at: string;
  readonly tone: Tone;
  readonly label: string;
  readonly source: string;
  readonly when: string;
  /** `+1 ~0 -2`; null where it failed. */
  readonly counts: string | null;
  /** Names in the groups that changed, empty ones left out. */
  readonly changes: readonly { readonly what: string; readonly names: readonly string[] }[];
  readonly notes: readonly string[];
  /** Where and why it failed; null where it did not. */
  readonly failure: { readonly title: string; readonly lines: readonly { readonly where: string; readonly message: string }[]; readonly next: string } | null;
  /** How long each step took. */
  readonly steps: string;
}

const SOURCES: Readonly<Record<ReloadSource, string>> = { admin_api: 'the admin API', cli: 'corral reload', signal: 'SIGHUP', file_watch: 'a change of the file' };

const NEXT: Readonly<Record<ReloadErrorKind, string>> = {
  validation: 'What served before goes on serving.',
  activation: 'It was taken back: what served before goes on serving.',
  rollback_failed: 'Taking it back failed too, so that the old manifest may serve in part alone: reload a manifest that is right, or restart orchestratord.',
};

/** [U-26] */
export function reloadRow(reload: ReloadRecord, nowMs: number): ReloadRow {
  const common = {
    at: reload.at,
    source: SOURCES[reload.source],
    when: `${formatAge(nowMs - Date.parse(reload.at))} ago, took ${formatDuration(reload.duration_ms)}`,
    steps: reload.steps.map(({ step, duration_ms: ms }) => `${step.replaceAll('_', ' ')} ${formatDuration(ms)}`).join(', '),
  };
  return reload.status === 'ok' ? { ...common, ...succeeded(reload) } : { ...common, ...failed(reload) };
}

type Outcome = Pick<ReloadRow, 'tone' | 'label' | 'counts' | 'changes' | 'notes' | 'failure'>;

function succeeded({ summary, notes }: ReloadSucceeded): Outcome {
  const { added, modified, removed, unchanged } = summary;
  const isSame = added.length + modified.length + removed.length === 0;
  return {
    tone: 'good',
    label: isSame ? 'nothing changed' : 'taken up',
    counts: `+${added.length} ~${modified.length} -${removed.length}, ${unchanged.length} unchanged`,
    changes: [
      { what: 'added', names: added },
      { what: 'modified', names: modified },
      { what: 'removed', names: removed },
    ].filter(({ names }) => names.length > 0),
    notes,
    failure: null,
  };
}

function failed({ error, error_kind: kind, step, problems }: ReloadFailed): Outcome {
  const lines = problems.length === 0 ? [{ where: '', message: error }] : problems.map(({ line, field, message }) => ({ where: [line === null ? '' : `line ${line}`, field].filter((part) => part !== '').join(', '), message }));
  return {
    tone: 'bad',
    label: 'failed',
    counts: null,
    changes: [],
    notes: [],
    failure: { title: `Failed at the step “${step.replaceAll('_', ' ')}”`, lines, next: NEXT[kind] },
  };
}
