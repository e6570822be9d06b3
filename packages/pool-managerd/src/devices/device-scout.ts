import type { DeviceDiscovery, EngineProvider } from '@corral/engine';
import { messageOf } from '@corral/service-kit';
import type { Clock, Log } from '@corral/service-kit';

export interface DeviceScoutOptions {
  readonly provider: EngineProvider;
  readonly clock: Clock;
  readonly log: Log;
  readonly retryMs: number;
  readonly onFound: (discovery: DeviceDiscovery) => void;
  /** The search failed and will be repeated. */
  readonly onFailed: (reason: string) => void;
}

/** Looks for devices until it succeeds or the signal aborts. Never rejects. [C-26] */
export async function scoutDevices({ provider, clock, log, retryMs, onFound, onFailed }: DeviceScoutOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const discovery = await provider.discover(signal);
      log.info('devices found', {
        engine: provider.name,
        engine_version: provider.version,
        devices: discovery.devices.map(({ id, name, unsupported }) => ({ id, name, unsupported })),
        looked_for: discovery.probes.map(({ lookedFor, found, detail }) => ({ looked_for: lookedFor, found, detail })),
        cores: discovery.cpu.cores,
      });
      return onFound(discovery);
    } catch (error) {
      if (signal.aborted) return;
      const reason = messageOf(error);
      log.warn('devices not found', { last_error: reason, backoff_ms: retryMs });
      onFailed(reason);
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}
