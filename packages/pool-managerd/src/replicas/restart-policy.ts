/** How a replica that fails is started again. [C-51 C-52 C-53 C-54] */
export interface RestartPolicy {
  /** Wait after the first failure; it doubles. */
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
  /** The wait after a failure of the device is so many times longer. */
  readonly backoffDeviceFactor: number;
  /** A replica that was ready for so long begins with the first wait again. */
  readonly backoffResetMs: number;
  /** Failures in a row that open the breaker. */
  readonly breakerThreshold: number;
  /** How long it stays open the first time; a failed trial doubles that. */
  readonly breakerOpenMs: number;
  readonly breakerOpenMaxMs: number;
  /** A replica that was ready for so long closes its breaker and ends a row of failures. */
  readonly breakerCloseMs: number;
  /** Restarts within the window after which one more failure opens the breaker. */
  readonly restartsMax: number;
  readonly restartWindowMs: number;
  /** A replica that was ready for so long starts to count its restarts anew. */
  readonly restartResetMs: number;
}
