import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Log } from '@corral/service-kit';
import { LastGoodCopy } from './last-good-copy.js';
import { describeProblem, ManifestError, type ManifestProblem } from './manifest-error.js';
import { readManifest } from './read-manifest.js';
import type { ServedManifest } from './served-manifest.js';
import { starterManifest } from './starter-manifest.js';

export interface ManifestOptions {
  /** The file; `null` serves the starter model. */
  readonly path: string | null;
  readonly stateDir: string;
  readonly log: Log;
}

/** What to serve, and what kept the file itself from being served. */
export interface LoadedManifest {
  readonly manifest: ServedManifest;
  /** Set when a copy of the last good manifest serves instead of the file: for `/ready`, status and log. */
  readonly problem: string | null;
}

/**
 * Reads the manifest at start. A good one is copied to the state directory; where the file is broken, the copy
 * serves and the problem is reported. With no copy of this file, throws {@link ManifestError}. [F-24]
 */
export async function loadManifest({ path, stateDir, log }: ManifestOptions): Promise<LoadedManifest> {
  if (path === null) return { manifest: starterManifest(), problem: null };
  const at = resolve(path);
  const copy = new LastGoodCopy(stateDir);
  const text = await readFile(at, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  const problems = typeof text === 'string' ? null : [unreadable(text)];
  const read = typeof text === 'string' ? readManifest(text, at, dirname(at)) : ({ kind: 'broken', problems: problems ?? [] } as const);
  if (read.kind === 'served' && typeof text === 'string') {
    await copy.write({ path: at, text });
    return { manifest: read.manifest, problem: null };
  }
  const broken = new ManifestError(at, read.kind === 'broken' ? read.problems : []);
  const manifest = await lastGood(at, copy);
  if (manifest === null) throw broken;
  log.error('manifest is broken; the last good copy serves', { path: at, problems: broken.problems.map(describeProblem) });
  const [first, ...more] = broken.problems.map(describeProblem);
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return { manifest, problem: `the manifest ${at} is broken, its last good copy serves: ${first ?? 'unreadable'}${rest}; correct it and reload` };
}

/** Reads and checks without serving or copying: for `--check`. Returns every problem. */
export async function checkManifestFile(path: string): Promise<readonly ManifestProblem[]> {
  const at = resolve(path);
  const text = await readFile(at, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (typeof text !== 'string') return [unreadable(text)];
  const read = readManifest(text, at, dirname(at));
  return read.kind === 'broken' ? read.problems : [];
}

async function lastGood(path: string, lastGoodCopy: LastGoodCopy): Promise<ServedManifest | null> {
  const copy = await lastGoodCopy.read();
  if (copy?.path !== path) return null;
  const read = readManifest(copy.text, path, dirname(path));
  return read.kind === 'served' ? read.manifest : null;
}

/** A file that is not there, or may not be read. */
export function unreadable(error: NodeJS.ErrnoException): ManifestProblem {
  return { line: null, field: '', message: `the file cannot be read (${error.code ?? error.message}); check its path and permissions` };
}
