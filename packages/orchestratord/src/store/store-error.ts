/** Why a store cannot be opened: closed, so that the daemon's exit can say what to do. */
export type StoreErrorCode = 'LOCKED' | 'NEWER_SCHEMA' | 'UNREADABLE';

/** The store in a state directory cannot be used; the message ends with the next step. */
export class StoreError extends Error {
  constructor(
    readonly code: StoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StoreError';
  }
}
