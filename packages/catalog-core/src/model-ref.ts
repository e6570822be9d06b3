/**
 * Where a model's file comes from, as the user wrote it, in its one canonical form. [D-08]
 *
 * `file` is used in place; `pypi` is one member of one wheel; the rest are places on a network.
 */
export type ModelRef =
  | { readonly scheme: 'file'; readonly path: string }
  | { readonly scheme: 'pypi'; readonly name: string; readonly version: string; readonly member: string }
  | {
      readonly scheme: 'hf';
      readonly org: string;
      readonly repo: string;
      /** `null`: the only GGUF file of the repository. */
      readonly path: string | null;
      /** Branch, tag or commit; `main` where none is written. */
      readonly revision: string;
    }
  | { readonly scheme: 'http' | 'https'; readonly location: string }
  | { readonly scheme: 's3'; readonly bucket: string; readonly key: string }
  | { readonly scheme: 'oci'; readonly location: string };

/** The scheme of a reference. */
export type RefScheme = ModelRef['scheme'];

/** What a hub reference without a revision means. */
export const DEFAULT_REVISION = 'main';

/** A tail of a hub reference that reads as `@revision`. */
export const REVISION_TAIL = /@([A-Za-z0-9][A-Za-z0-9._-]*|refs\/[A-Za-z0-9._/-]*[A-Za-z0-9])$/;

/** Every scheme a reference may have, in the order messages list them. [D-08] */
export const REF_SCHEMES: readonly RefScheme[] = ['file', 'pypi', 'hf', 'https', 'http', 's3', 'oci'];

/** Writes a reference in its canonical form; `parseModelRef` reads it back to an equal value. [D-08] */
export function formatModelRef(ref: ModelRef): string {
  switch (ref.scheme) {
    case 'file':
      return `file:${ref.path}`;
    case 'pypi':
      return `pypi:${ref.name}==${ref.version}/${ref.member}`;
    case 'hf':
      return formatHf(ref);
    case 'http':
    case 'https':
    case 'oci':
      return `${ref.scheme}://${ref.location}`;
    case 's3':
      return `s3://${ref.bucket}/${ref.key}`;
  }
}

/** The default revision is left out, unless the end of the path would then be read as one. */
function formatHf({ org, repo, path, revision }: Extract<ModelRef, { scheme: 'hf' }>): string {
  const plain = `hf:${org}/${repo}${path === null ? '' : `/${path}`}`;
  return revision === DEFAULT_REVISION && !REVISION_TAIL.test(plain) ? plain : `${plain}@${revision}`;
}
