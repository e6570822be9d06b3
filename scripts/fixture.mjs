// Little repositories on disk for the tests of the gates.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Writes `files` (path → text, or a value that becomes JSON) into a fresh folder, hands it to `use`, and removes it afterwards.
 *
 * @template T @param {Readonly<Record<string, unknown>>} files @param {(folder: string) => T | Promise<T>} use @returns {Promise<T>}
 */
export async function withFolder(files, use) {
  const folder = mkdtempSync(join(tmpdir(), 'corral-gate-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
