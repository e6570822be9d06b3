import { WEB_LIMITS } from '@corral/provisioners';
import type { WebLimits } from '@corral/provisioners';
import { Size } from '@corral/service-kit';
import { Type, type Static } from '@sinclair/typebox';

const Ms = (preset: number, description: string) => Type.Integer({ minimum: 1, default: preset, description });
const Bytes = (preset: number, description: string) => Size({ minimum: 4_096, default: preset, description });
const DAY_MS = 86_400_000;

/** Settings of fetching models over HTTP. [D-52 D-53 D-54 D-58] */
export const fetchSettings = Type.Object(
  {
    connections: Type.Integer({ minimum: 1, maximum: 16, default: WEB_LIMITS.connections, description: 'Connections of one download at most, where the server can send parts.' }),
    bandwidth_bytes_per_s: Type.Union([Size({ minimum: 1_024 }), Type.Null()], { default: WEB_LIMITS.bandwidthBytesPerS, description: 'For all downloads of the node together; without it, no limit.' }),
    connect_ms: Ms(WEB_LIMITS.connectMs, 'Time to get a connection.'),
    idle_ms: Ms(WEB_LIMITS.idleMs, 'How long a server may bring nothing.'),
    least_bytes_per_s: Type.Integer({ minimum: 0, default: WEB_LIMITS.leastBytesPerS, description: 'A connection that brings less is given up and made anew.' }),
    slow_ms: Ms(WEB_LIMITS.slowMs, 'Waiting over which `least_bytes_per_s` is measured.'),
    attempts: Type.Integer({ minimum: 1, maximum: 100, default: WEB_LIMITS.attempts, description: 'Tries in a row that bring nothing before a source has failed.' }),
    retry_initial_ms: Ms(WEB_LIMITS.retryInitialMs, 'Longest wait after the first of them; it doubles.'),
    retry_max_ms: Ms(WEB_LIMITS.retryMaxMs, 'Longest wait between two of them.'),
    retry_after_max_ms: Ms(WEB_LIMITS.retryAfterMaxMs, 'A server that asks for a longer wait has failed.'),
    checkpoint_bytes: Bytes(WEB_LIMITS.checkpointBytes, 'What came is made durable each time so much has come.'),
    segment_bytes: Bytes(WEB_LIMITS.segmentBytes, 'A further connection is made for no less.'),
    keep_partial_ms: Ms(7 * DAY_MS, 'An unfinished download that nobody went on with for so long is removed at the next start.'),
  },
  { additionalProperties: false },
);

/** The settings as the provisioner takes them. */
export function webLimitsOf(settings: Readonly<Static<typeof fetchSettings>>): WebLimits {
  return {
    connections: settings.connections,
    bandwidthBytesPerS: settings.bandwidth_bytes_per_s,
    connectMs: settings.connect_ms,
    idleMs: settings.idle_ms,
    leastBytesPerS: settings.least_bytes_per_s,
    slowMs: settings.slow_ms,
    attempts: settings.attempts,
    retryInitialMs: settings.retry_initial_ms,
    retryMaxMs: settings.retry_max_ms,
    retryAfterMaxMs: settings.retry_after_max_ms,
    checkpointBytes: settings.checkpoint_bytes,
    segmentBytes: settings.segment_bytes,
  };
}
