import { createHash } from 'node:crypto';
import { sha256 } from './served-file.js';

/** A repository of a hub: files at one commit. */
export interface HubRepository {
  readonly files: Readonly<Record<string, Buffer>>;
  /** 40 hex digits; made from the files when left out. */
  readonly commit?: string;
  /** Only who comes with this token may read it. */
  readonly token?: string;
  /** Kept as they are, without a sha256, as small files of a hub are. */
  readonly plain?: readonly string[];
  /** Names on one page of the list. */
  readonly pageSize?: number;
}

/** What the hub answers, besides the file itself. */
export interface HubReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A reply, or the bytes that are to be sent from here or from the place for large files. */
export type HubOutcome = HubReply | { readonly bytes: Buffer; readonly isLarge: boolean; readonly headers: Readonly<Record<string, string>> };

/** Answers a path of the hub's interface; `null` when it is none. */
export function hubOutcome(repositories: ReadonlyMap<string, HubRepository>, url: URL, authorization: string | undefined): HubOutcome | null {
  const [, kind, name = '', revision = '', path = ''] =
    /^\/(api\/models\/)?([^/]+\/[^/]+)\/(?:tree|resolve)\/([^/]+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
  if (name === '') return null;
  const repository = repositories.get(name);
  if (repository === undefined) return refusal(authorization === undefined ? 401 : 404, 'RepoNotFound');
  if (repository.token !== undefined && authorization !== `Bearer ${repository.token}`)
    return refusal(authorization === undefined ? 401 : 403, 'GatedRepo');
  const commit = commitOf(repository);
  const wanted = decodeURIComponent(revision);
  if (wanted !== 'main' && wanted !== commit) return refusal(404, 'RevisionNotFound');
  return kind === undefined ? resolve(repository, commit, decodeURIComponent(path)) : tree(repository, url);
}

/** The commit of a repository. */
export function commitOf({ commit, files }: HubRepository): string {
  if (commit !== undefined) return commit;
  const hash = createHash('sha1');
  for (const [path, bytes] of Object.entries(files)) hash.update(path).update(sha256(bytes));
  return hash.digest('hex');
}

function resolve({ files, plain = [] }: HubRepository, commit: string, path: string): HubOutcome {
  const bytes = files[path];
  if (bytes === undefined) return refusal(404, 'EntryNotFound');
  if (plain.includes(path)) return { bytes, isLarge: false, headers: { 'x-repo-commit': commit } };
  return { bytes, isLarge: true, headers: { 'x-repo-commit': commit, 'x-linked-etag': `"${sha256(bytes)}"`, 'x-linked-size': String(bytes.length) } };
}

function tree({ files, plain = [], pageSize = 1_000 }: HubRepository, url: URL): HubReply {
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const entries = Object.entries(files).map(([path, bytes]) => ({
    type: 'file',
    path,
    size: bytes.length,
    ...(plain.includes(path) ? {} : { lfs: { oid: sha256(bytes), size: bytes.length } }),
  }));
  const next = new URL(url);
  next.searchParams.set('cursor', String(start + pageSize));
  const link = start + pageSize < entries.length ? { link: `<${next.href}>; rel="next"` } : undefined;
  return { status: 200, headers: { 'content-type': 'application/json', ...link }, body: JSON.stringify(entries.slice(start, start + pageSize)) };
}

function refusal(status: number, code: string): HubReply {
  return { status, headers: { 'x-error-code': code }, body: '' };
}
