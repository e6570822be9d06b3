/** Every failure; the flag says whether trying again later, with nothing changed, can help. */
const PROVISION_FAILURES = {
  INVALID_REQUEST: { retriable: false },
  INVALID_SOURCE: { retriable: false },
  NOT_ALLOWED: { retriable: false },
  NO_FETCHER: { retriable: false },
  NOT_FOUND: { retriable: false },
  ACCESS_DENIED: { retriable: false },
  TOOL_MISSING: { retriable: false },
  RETIRED: { retriable: false },
  INSPECT_FAILED: { retriable: false },
  UNREACHABLE: { retriable: true },
  FETCH_FAILED: { retriable: true },
  DAMAGED: { retriable: true },
  DIGEST_MISMATCH: { retriable: true },
  DISK_FULL: { retriable: true },
  CATALOG_FAILED: { retriable: true },
  BUSY: { retriable: true },
  CANCELED: { retriable: true },
  SOURCES_FAILED: { retriable: true },
} as const satisfies Record<string, { retriable: boolean }>;

/** Why a model could not be provided, by one source or at all. */
export type ProvisionCode = keyof typeof PROVISION_FAILURES;

/** What became of one source. */
export interface FailedAttempt {
  readonly source: string;
  readonly code: ProvisionCode;
  readonly message: string;
}

const brand = Symbol.for('corral.provision-error');

/** A model could not be provided. The message ends with the next step and is fit for `last_error`. [D-21] */
export class ProvisionError extends Error {
  readonly [brand] = true;
  /** Every source that was tried, in order; empty when it did not come to that. */
  readonly attempts: readonly FailedAttempt[];

  constructor(
    readonly code: ProvisionCode,
    message: string,
    options: ErrorOptions & { readonly attempts?: readonly FailedAttempt[] } = {},
  ) {
    super(message, options);
    this.name = 'ProvisionError';
    this.attempts = options.attempts ?? [];
  }

  /** Whether trying again later can help without anybody changing anything. */
  get retriable(): boolean {
    if (this.attempts.length === 0) return PROVISION_FAILURES[this.code].retriable;
    return this.attempts.some(({ code }) => PROVISION_FAILURES[code].retriable);
  }
}

/** By brand, not `instanceof`, so that two copies of this module agree. */
export function isProvisionError(error: unknown): error is ProvisionError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** The failure of all sources as one error: that of the only source, or a list of all. */
export function sourcesFailed(modelId: string, attempts: readonly FailedAttempt[]): ProvisionError {
  const [only] = attempts;
  if (only !== undefined && attempts.length === 1) {
    return new ProvisionError(only.code, `model "${modelId}" could not be provided: ${only.message}`, { attempts });
  }
  const list = attempts.map(({ message }, position) => `(${position + 1}) ${message}`).join(' ');
  return new ProvisionError(
    'SOURCES_FAILED',
    `model "${modelId}" could not be provided by any of its ${attempts.length} sources: ${list}`,
    { attempts },
  );
}
