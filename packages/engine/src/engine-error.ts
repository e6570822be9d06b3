import type { ExitReason } from './port.js';

/**
 * Why an engine could not do what it was asked.
 *
 * - `device_unsupported`: there is no code for this device kind, or it was never run.
 * - `device_missing`: the one device that the replica names is not there. [C-32]
 * - `out_of_memory`: weights and context do not fit the device whole. [C-30]
 * - `not_on_device`: the load ended with a part of the model elsewhere. [C-33]
 * - `bad_model`: the file cannot be read, or loading it ended the process.
 * - `bad_spec`: a value of the request for a replica is out of its range.
 * - `busy`: requests run or wait, and what was asked needs all slots.
 * - `worker_failed`: the worker process ended or failed for any other reason.
 */
export type EngineErrorKind = 'device_unsupported' | 'device_missing' | 'out_of_memory' | 'not_on_device' | 'bad_model' | 'bad_spec' | 'busy' | 'worker_failed';

const brand = Symbol.for('corral.engine-error');

/** A refusal or failure of an engine. `lastWords` holds the last lines that its process wrote, oldest first; `exit` says how it ended where nobody asked it to. */
export class EngineError extends Error {
  readonly [brand] = true;
  readonly exit: ExitReason | null;

  constructor(
    readonly kind: EngineErrorKind,
    message: string,
    readonly lastWords: readonly string[] = [],
    { exit = null, ...options }: ErrorOptions & { readonly exit?: ExitReason | null } = {},
  ) {
    super(message, options);
    this.exit = exit;
    this.name = 'EngineError';
  }
}

/** By brand, not `instanceof`: two copies of this module must still agree. */
export function isEngineError(error: unknown): error is EngineError {
  return typeof error === 'object' && error !== null && brand in error;
}
