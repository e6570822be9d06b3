import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SHORTEST_TOKEN } from './http/bearer.js';

const SECRET_BYTES = 32;

/**
 * The secret that programs of one user share through a file which only that user can read. Whoever comes first makes
 * it; all get the same. The folder must exist. Throws, with the next step, where the file holds something else.
 */
export async function sharedSecret(path: string): Promise<string> {
  const found = await readSecret(path);
  if (found !== undefined) return found;
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(SECRET_BYTES).toString('hex')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link, unlike a rename, leaves a file alone that another program made meanwhile.
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
  const made = await readSecret(path);
  if (made === undefined) throw new Error(`${path} went away while it was made; start again`);
  return made;
}

/** `undefined` where there is no such file. */
export async function readSecret(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (text.length < SHORTEST_TOKEN || !/^[\x21-\x7e]+$/.test(text)) throw new Error(`${path} holds no secret of ${SHORTEST_TOKEN} characters or more; delete it and start again`);
  return text;
}
