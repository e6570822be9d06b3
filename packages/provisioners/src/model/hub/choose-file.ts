import { nearNames } from '../near-names.js';

/** One file of a repository, or why there is none, as a sentence that ends with the next step. */
export type Choice = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'none'; readonly message: string };

const MAX_LISTED = 12;
const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;

/** The only whole GGUF file among these paths. `source` is the reference without a path. [D-57] */
export function chooseFile(source: string, paths: readonly string[]): Choice {
  const models = paths.filter((path) => /\.gguf$/i.test(path));
  const whole = models.filter((path) => splitProblem(path) === null);
  const [only] = whole;
  if (only !== undefined && whole.length === 1) return { kind: 'file', path: only };
  if (whole.length > 1) {
    const more = whole.length > MAX_LISTED ? ` and ${whole.length - MAX_LISTED} more` : '';
    return none(`${source} has ${whole.length} GGUF files: ${whole.slice(0, MAX_LISTED).join(', ')}${more}; add the path of one to the source`);
  }
  const [part] = models;
  if (part !== undefined) return none(splitProblem(part) ?? '');
  const some = paths.length === 0 ? 'it is empty' : `it has ${paths.slice(0, MAX_LISTED).join(', ')}`;
  return none(`${source} has no GGUF file (${some}); use a repository that has the model as GGUF`);
}

/** Why this path is not in the repository, with what is like it. */
export function notThere(source: string, path: string, paths: readonly string[]): string {
  const near = nearNames(path, paths).join(', ');
  return `${source} has no file ${path}; ${near === '' ? 'it is empty; correct the repository' : `it has ${near}; correct the path`}`;
}

/** Why a file with this name is no model of its own, or `null`. */
export function splitProblem(path: string): string | null {
  const [, part, parts] = PART.exec(path) ?? [];
  if (part === undefined || parts === undefined || Number(parts) < 2) return null;
  return `${path} is part ${Number(part)} of ${Number(parts)} of a split model, and one file makes a model here; use a file that is not split, or join the parts with "llama-gguf-split --merge" and give the model a file: source`;
}

function none(message: string): Choice {
  return { kind: 'none', message };
}
