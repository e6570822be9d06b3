import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What `build.mjs` writes beside the bundle of the worker. */
interface BundleInputs {
  readonly nodeLlamaCpp: string;
  /** Compiled files of the workspace that are in it, relative to the bundle, with their SHA-256. */
  readonly files: Readonly<Record<string, string>>;
}

/** Whether a bundle is there and was made of what lies beside it: a compiler may have run without the bundler. */
export function isCurrentBundle(bundle: string, nodeLlamaCppVersion: string): boolean {
  try {
    const folder = dirname(bundle);
    const { nodeLlamaCpp, files } = JSON.parse(readFileSync(join(folder, 'inputs.json'), 'utf8')) as BundleInputs;
    return existsSync(bundle) && nodeLlamaCpp === nodeLlamaCppVersion && Object.entries(files).every(([path, sha256]) => isUnchanged(join(folder, path), sha256));
  } catch {
    return false;
  }
}

/** A file that is not shipped with the bundle cannot differ from it. */
function isUnchanged(path: string, sha256: string): boolean {
  return !existsSync(path) || createHash('sha256').update(readFileSync(path)).digest('hex') === sha256;
}
