const brand = Symbol.for('corral.connection-error');

export interface ConnectionFailure {
  /** `host:port`, or the path of a socket. */
  readonly peer: string;
  /** Such as `ECONNREFUSED`, `UND_ERR_CONNECT_TIMEOUT` or `REQUEST_TIMEOUT`. */
  readonly causeCode: string;
  /** `false` when no connection came about, so that the peer cannot have acted on the request. */
  readonly reached: boolean;
}

/** The peer did not answer: refused, unreachable, cut off, or too slow. */
export class ConnectionError extends Error implements ConnectionFailure {
  readonly [brand] = true;
  readonly peer: string;
  readonly causeCode: string;
  readonly reached: boolean;

  constructor(failure: ConnectionFailure, cause: unknown) {
    super(describe(failure), { cause });
    this.name = 'ConnectionError';
    this.peer = failure.peer;
    this.causeCode = failure.causeCode;
    this.reached = failure.reached;
  }
}

/** By brand, not `instanceof`: two copies of this module must still agree. */
export function isConnectionError(error: unknown): error is ConnectionError {
  return typeof error === 'object' && error !== null && brand in error;
}

const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EACCES',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_PRX_TLS',
]);

/** What a transport threw, as a ConnectionError. */
export function connectionError(peer: string, cause: unknown): ConnectionError {
  const causeCode = codeOf(cause);
  return new ConnectionError({ peer, causeCode, reached: !NEVER_CONNECTED.has(causeCode) }, cause);
}

/** Several addresses of one name fail together; their first failure stands for all. */
function codeOf(error: unknown): string {
  const { code, errors, cause } = (error ?? {}) as { code?: unknown; errors?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return cause === undefined ? 'UNKNOWN' : codeOf(cause);
}

function describe({ peer, causeCode, reached }: ConnectionFailure): string {
  if (causeCode === 'REQUEST_TIMEOUT') return `${peer} did not answer in time; look at its log`;
  if (reached) return `${peer} closed the connection before it answered (${causeCode}); look at its log`;
  return `cannot reach ${peer} (${causeCode}); check that it runs and that the address is right`;
}
