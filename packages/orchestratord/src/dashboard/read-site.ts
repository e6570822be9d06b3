import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export interface SiteFile {
  readonly bytes: Buffer;
  /** null where compressing gains nothing. */
  readonly gzipped: Buffer | null;
  readonly contentType: string;
  readonly etag: string;
  /** Whether the name says what is inside, so that it may be kept for ever. */
  readonly isImmutable: boolean;
}

/** Files by their path below the folder, with `/` between its parts. */
export type Site = ReadonlyMap<string, SiteFile>;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

const compress = promisify(gzip);

/** The folder of the built dashboard; `null` where it was not built. */
export function dashboardFolder(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve('@corral/dashboard/index.html'));
  } catch {
    return null;
  }
}

/**
 * Reads a built site whole: some hundred kilobytes. What is served is then what was there at the start, whatever a
 * build does to the folder meanwhile, and no path of a request ever reaches the file system. [U-01]
 */
export async function readSite(folder: string): Promise<Site> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && TYPES[extname(entry.name)] !== undefined).map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(files.map(async (file) => [relative(folder, file).split(sep).join('/'), await readSiteFile(file, folder)] as const));
  return new Map(read);
}

async function readSiteFile(file: string, folder: string): Promise<SiteFile> {
  const bytes = await readFile(file);
  const gzipped = await compress(bytes, { level: 9 });
  return {
    bytes,
    gzipped: gzipped.length < bytes.length ? gzipped : null,
    contentType: TYPES[extname(file)] ?? '',
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    isImmutable: relative(folder, file).startsWith(`assets${sep}`),
  };
}
