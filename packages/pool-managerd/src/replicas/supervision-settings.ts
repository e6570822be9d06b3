import type { PoolManagerdConfig } from '../config.js';
import type { HealthLimits } from './health-watch.js';
import type { RestartPolicy } from './restart-policy.js';

/** The settings of `supervision` as the policy and the limits that they stand for. [C-54] */
export function supervisionOf(settings: PoolManagerdConfig['supervision']): { readonly restart: RestartPolicy; readonly health: HealthLimits } {
  return {
    restart: {
      backoffInitialMs: settings.backoff_initial_ms,
      backoffMaxMs: settings.backoff_max_ms,
      backoffDeviceFactor: settings.backoff_device_factor,
      backoffResetMs: settings.backoff_reset_ms,
      breakerThreshold: settings.circuit_breaker_threshold,
      breakerOpenMs: settings.circuit_breaker_timeout_ms,
      breakerOpenMaxMs: settings.circuit_breaker_timeout_max_ms,
      breakerCloseMs: settings.circuit_breaker_close_ms,
      restartsMax: settings.restart_rate_limit,
      restartWindowMs: settings.restart_window_ms,
      restartResetMs: settings.restart_reset_ms,
    },
    health: { intervalMs: settings.health_check_interval_ms, timeoutMs: settings.health_check_timeout_ms, missesMax: settings.health_check_misses },
  };
}
