import type { ReloadFailure, ReloadProblem, ReloadSucceeded, ReloadSummary } from '@corral/contracts';

const NOTHING: ReloadSummary = { added: [], modified: [], removed: [], unchanged: [] };

/** What a reload changed, in numbers: `(+1 ~2 -0)`. [F-12] */
export function countsOf({ added, modified, removed }: ReloadSummary): string {
  return `(+${added.length} ~${modified.length} -${removed.length})`;
}

/** How a reload ended in one line: `reload ok via cli (+1 ~0 -0)`. [F-12] */
export function reloadLine(answer: ReloadSucceeded | ReloadFailure): string {
  return `reload ${answer.status} via ${answer.source} ${countsOf(answer.status === 'ok' ? answer.summary : NOTHING)}`;
}

/** What is wrong with the manifest, line by line; else why it could not be taken up. */
export function problemLines({ problems, error, error_kind: kind, step }: ReloadFailure): readonly string[] {
  if (problems.length > 0) return problems.map(problemLine);
  return [`${kind} failed at ${step}: ${error}`];
}

function problemLine({ line, field, message }: ReloadProblem): string {
  return [line === null ? '' : `line ${line}`, field, message].filter((part) => part !== '').join(': ');
}
