/** Why the catalog refused or failed. */
export type CatalogErrorCode =
  'LOCKED' | 'INCOMPATIBLE_INDEX' | 'MALFORMED_INDEX' | 'INVALID_ENTRY' | 'FILE_MISSING' | 'NOT_FOUND' | 'FULL' | 'WRITE_FAILED' | 'CLOSED';

const brand = Symbol.for('corral.catalog-error');

/** A failure of the catalog on disk. The message names the file and ends with the next step; `cause` is the system's error. */
export class CatalogError extends Error {
  readonly [brand] = true;

  constructor(
    readonly code: CatalogErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CatalogError';
  }
}

/** By brand, not `instanceof`, so that two copies of this module agree. */
export function isCatalogError(error: unknown): error is CatalogError {
  return typeof error === 'object' && error !== null && brand in error;
}
