/** Bounds of fetching over HTTP. One set holds for the whole node. [D-52 D-53 D-54 D-58] */
export interface WebLimits {
  /** Connections that one download may use at once. */
  readonly connections: number;
  /** For all downloads of the node together; `null` = as fast as it comes. */
  readonly bandwidthBytesPerS: number | null;
  readonly connectMs: number;
  /** How long nothing may come, neither the beginning of an answer nor the next byte. */
  readonly idleMs: number;
  /** A connection that brings less than this over `slowMs` of waiting is given up. */
  readonly leastBytesPerS: number;
  readonly slowMs: number;
  /** Tries in a row that bring nothing. */
  readonly attempts: number;
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  /** A server that asks for a longer wait is not waited for. */
  readonly retryAfterMaxMs: number;
  /** Bytes after which what came is made durable. */
  readonly checkpointBytes: number;
  /** Least that a further connection is opened for. */
  readonly segmentBytes: number;
}

/** What holds where nothing is set. */
export const WEB_LIMITS: WebLimits = {
  connections: 4,
  bandwidthBytesPerS: null,
  connectMs: 10_000,
  idleMs: 30_000,
  leastBytesPerS: 1_024,
  slowMs: 60_000,
  attempts: 5,
  retryInitialMs: 500,
  retryMaxMs: 10_000,
  retryAfterMaxMs: 60_000,
  checkpointBytes: 16 * 1_048_576,
  segmentBytes: 8 * 1_048_576,
};
