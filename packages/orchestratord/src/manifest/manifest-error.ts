/** One thing that is wrong with a manifest. */
export interface ManifestProblem {
  /** From 1; `null` when it concerns no line. */
  readonly line: number | null;
  /** Dotted name of the entry, `''` for the whole. */
  readonly field: string;
  /** Ends with the next step where there is one. */
  readonly message: string;
}

/** A manifest that cannot be served, with every problem at once. [F-25] */
export class ManifestError extends Error {
  constructor(
    readonly path: string,
    readonly problems: readonly ManifestProblem[],
  ) {
    super(`the manifest ${path} cannot be served:\n${problems.map((p) => `  ${describeProblem(p)}`).join('\n')}\ncorrect these; orchestratord --check validates without starting`);
    this.name = 'ManifestError';
  }
}

/** `line 3: routes.chat.model: …`, without the parts that are unknown. */
export function describeProblem({ line, field, message }: ManifestProblem): string {
  return [line === null ? '' : `line ${line}`, field, message].filter((part) => part !== '').join(': ');
}
