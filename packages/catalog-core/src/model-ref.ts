/**
 * Where a model's file comes from, as the user wrote it, in its one canonical form. [D-08]
 *
 * `file` is used in place; `pypi` is one member of one wheel; the rest are places on a network.
 */
export type ModelRef =
  | { readonly scheme: 'file'; readonly path: string }
  | { readonly scheme: 'pypi'; readonly name: string; readonly version: string; readonly member: string }
  | { readonly scheme: 'hf'; readonly org: string; readonly repo: string; readonly path: string | null }
  | { readonly scheme: 'http' | 'https'; readonly location: string }
  | { readonly scheme: 's3'; readonly bucket: string; readonly key: string }
  | { readonly scheme: 'oci'; readonly location: string };

/** The scheme of a reference. */
export type RefScheme = ModelRef['scheme'];

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
      return `hf:${ref.org}/${ref.repo}${ref.path === null ? '' : `/${ref.path}`}`;
    case 'http':
    case 'https':
    case 'oci':
      return `${ref.scheme}://${ref.location}`;
    case 's3':
      return `s3://${ref.bucket}/${ref.key}`;
  }
}
