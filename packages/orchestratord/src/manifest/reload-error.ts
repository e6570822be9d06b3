import { messageOf } from '@corral/service-kit';
import { describeProblem, type ManifestProblem } from './manifest-error.js';
import type { ReloadErrorKind } from './reloads.js';

/** Why a reload ended at a step, before or after the step's work was begun. */
export class ReloadError extends Error {
  constructor(
    readonly errorKind: ReloadErrorKind,
    message: string,
    readonly problems: readonly ManifestProblem[] = [],
  ) {
    super(message);
    this.name = 'ReloadError';
  }
}

/** The file is at fault: nothing of it is served. */
export function brokenManifest(path: string, problems: readonly ManifestProblem[]): ReloadError {
  const [first, ...more] = problems.map(describeProblem);
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return new ReloadError('validation', `the manifest ${path} cannot be served: ${first ?? 'it is unreadable'}${rest}; correct it and reload`, problems);
}

/** Whatever was thrown, as what the reload tells of it. */
export function reloadErrorOf(error: unknown): ReloadError {
  if (error instanceof Error && error.name === 'ReloadError') return error as ReloadError;
  const message = messageOf(error);
  return new ReloadError('activation', `the manifest could not be taken up: ${message}; what served before serves on, so correct that and reload`);
}
