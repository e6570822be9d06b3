import { DEFAULT_REVISION, REF_SCHEMES, REVISION_TAIL } from './model-ref.js';
import type { ModelRef } from './model-ref.js';

/** Why a text is no reference: closed, so that callers can tell a typing error from an attack. */
export type RefRefusal = 'empty' | 'too_long' | 'unprintable' | 'unknown_scheme' | 'malformed' | 'relative_path' | 'traversal';

/** A reference, or a typed refusal whose message ends with what to write instead. */
export type ParsedRef =
  { readonly kind: 'ref'; readonly ref: ModelRef } | { readonly kind: 'refused'; readonly refusal: RefRefusal; readonly message: string };

const MAX_REF_LENGTH = 2048;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
const PYPI = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==([A-Za-z0-9][A-Za-z0-9.+!_-]*)\/(.+)$/;
const HF = /^([A-Za-z0-9][A-Za-z0-9._-]*)\/([A-Za-z0-9][A-Za-z0-9._-]*)(?:\/(.+))?$/;
const WEB = /^\/\/([A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?)(\/\S+)$/;
const S3 = /^\/\/([a-z0-9][a-z0-9.-]+)\/(\S+)$/;
const OCI = /^\/\/([A-Za-z0-9.-]+(?::\d{1,5})?)(\/[a-z0-9][a-z0-9._/-]*(?:[:@][A-Za-z0-9][A-Za-z0-9._:-]*)?)$/;

/**
 * Reads a reference. A text without a scheme is a local path; a relative one is taken from `baseDir`.
 *
 * Never throws and looks at nothing but its arguments. Path parts named `..` are refused everywhere. [D-06 D-08]
 */
export function parseModelRef(text: string, options: { readonly baseDir?: string } = {}): ParsedRef {
  if (text.trim() === '') return refused('empty', 'a model source is empty; write for example file:/models/tiny.gguf');
  if (text.length > MAX_REF_LENGTH)
    return refused('too_long', `a model source is longer than ${MAX_REF_LENGTH} characters; use a shorter path`);
  if (UNPRINTABLE.test(text)) return refused('unprintable', `${JSON.stringify(text)} holds control characters; remove them`);
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return parseFile(text, text, options.baseDir);
  const rest = text.slice(scheme.length + 1);
  switch (scheme) {
    case 'file':
      return parseFileUrl(text, rest, options.baseDir);
    case 'pypi':
      return parsePypi(text, rest);
    case 'hf':
      return parseHf(text, rest);
    case 'http':
    case 'https':
      return parseWeb(text, scheme, rest);
    case 's3':
      return parseS3(text, rest);
    case 'oci':
      return parseOci(text, rest);
    default:
      return refused(
        'unknown_scheme',
        `"${text}" has the unknown scheme "${scheme}:"; use one of ${REF_SCHEMES.join(', ')}, or ./ before a file name with a colon`,
      );
  }
}

function parseFileUrl(text: string, rest: string, baseDir: string | undefined): ParsedRef {
  if (!rest.startsWith('//')) return parseFile(text, rest, baseDir);
  if (rest.startsWith('///')) return parseFile(text, rest.slice(2), baseDir);
  return refused('malformed', `"${text}" names a host; write file: and an absolute path on this machine, like file:/models/tiny.gguf`);
}

function parseFile(text: string, path: string, baseDir: string | undefined): ParsedRef {
  if (path.endsWith('/') || path === '') return refused('malformed', `"${text}" names no file; write the path of one GGUF file`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return traversal(text);
  if (parts.length === 0) return refused('malformed', `"${text}" names no file; write the path of one GGUF file`);
  if (path.startsWith('/')) return accepted({ scheme: 'file', path: `/${parts.join('/')}` });
  if (baseDir === undefined)
    return refused('relative_path', `"${text}" is a relative path; write an absolute one, like file:/models/${parts.at(-1)}`);
  return parseFile(text, `${baseDir.startsWith('/') ? '' : '/'}${baseDir}/${parts.join('/')}`, undefined);
}

function parsePypi(text: string, rest: string): ParsedRef {
  const [, name, version, member] = PYPI.exec(rest) ?? [];
  if (name === undefined || version === undefined || member === undefined) {
    return refused('malformed', `"${text}" is not pypi:NAME==VERSION/path/in/wheel.gguf; write all three parts`);
  }
  const problem = memberProblem(text, member);
  return problem ?? accepted({ scheme: 'pypi', name: name.toLowerCase().replace(/[-_.]+/g, '-'), version, member });
}

function parseHf(text: string, rest: string): ParsedRef {
  const revision = REVISION_TAIL.exec(rest)?.[1];
  const [, org, repo, path] = HF.exec(revision === undefined ? rest : rest.slice(0, -revision.length - 1)) ?? [];
  if (org === undefined || repo === undefined)
    return refused('malformed', `"${text}" is not hf:org/repo/path.gguf@revision; write organisation, repository, file and, if need be, revision`);
  const problem = memberProblem(text, path ?? repo) ?? memberProblem(text, revision ?? DEFAULT_REVISION);
  return problem ?? accepted({ scheme: 'hf', org, repo, path: path ?? null, revision: revision ?? DEFAULT_REVISION });
}

function parseWeb(text: string, scheme: 'http' | 'https', rest: string): ParsedRef {
  if (/^\/\/[^/]*@/.test(rest))
    return refused(
      'malformed',
      `"${text.replace(/\/\/[^/]*@/, '//…@')}" carries a user name; sources are logged, so keep credentials out of them`,
    );
  const [, host, path] = WEB.exec(rest) ?? [];
  if (host === undefined || path === undefined)
    return refused('malformed', `"${text}" is not ${scheme}://host/path; write the address of one file`);
  if (hasDotDot(path)) return traversal(text);
  return accepted({ scheme, location: `${host.toLowerCase()}${path}` });
}

function parseS3(text: string, rest: string): ParsedRef {
  const [, bucket, key] = S3.exec(rest) ?? [];
  if (bucket === undefined || key === undefined) return refused('malformed', `"${text}" is not s3://bucket/key; write bucket and key`);
  return memberProblem(text, key) ?? accepted({ scheme: 's3', bucket, key });
}

function parseOci(text: string, rest: string): ParsedRef {
  const [, host, path] = OCI.exec(rest) ?? [];
  if (host === undefined || path === undefined)
    return refused('malformed', `"${text}" is not oci://registry/name:tag; write registry, name and tag or digest`);
  if (hasDotDot(path)) return traversal(text);
  return accepted({ scheme: 'oci', location: `${host.toLowerCase()}${path}` });
}

/** A path inside an archive or repository: relative, in plain parts, with forward slashes. */
function memberProblem(text: string, member: string): ParsedRef | null {
  const parts = member.split('/');
  if (parts.includes('..')) return traversal(text);
  if (parts.some((part) => part === '' || part === '.') || member.includes('\\')) {
    return refused('malformed', `"${text}" has an empty part, "." or a backslash in its path; write plain names with "/" between them`);
  }
  return null;
}

function hasDotDot(path: string): boolean {
  return path.split(/[/?#]/).includes('..');
}

function accepted(ref: ModelRef): ParsedRef {
  return { kind: 'ref', ref };
}

function traversal(text: string): ParsedRef {
  return refused('traversal', `"${text}" has ".." in its path; write the path without it`);
}

function refused(refusal: RefRefusal, message: string): ParsedRef {
  return { kind: 'refused', refusal, message };
}
