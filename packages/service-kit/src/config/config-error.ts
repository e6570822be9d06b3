/** One thing that is wrong with the configuration, and where it was written. */
export interface ConfigProblem {
  /** Such as `corral.yaml line 3`, `environment STAGE_MAX_BYTES` or `flag --port`; left out when it was nowhere. */
  readonly origin?: string;
  /** Dotted name of the setting, `''` for the whole. */
  readonly field: string;
  /** Ends with the next step where there is one. */
  readonly message: string;
}

/** Every problem of a configuration at once. [P-04] */
export class ConfigError extends Error {
  constructor(
    readonly problems: readonly ConfigProblem[],
    nextStep = 'correct these and start again; --check validates without starting',
  ) {
    super(`invalid configuration:\n${problems.map((p) => `  ${describe(p)}`).join('\n')}\n${nextStep}`);
    this.name = 'ConfigError';
  }
}

function describe({ origin, field, message }: ConfigProblem): string {
  return [origin, field, message].filter((part) => part !== undefined && part !== '').join(': ');
}
