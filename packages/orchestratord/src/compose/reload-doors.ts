import type { ManifestStatus, ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { EventBus } from '@corral/event-bus';
import { newId, type Clock, type Listening, type Log, type Metrics, type Shutdown } from '@corral/service-kit';
import { reloadAuth } from '../access/reload-auth.js';
import type { Audit } from '../audit/audit.js';
import type { OrchestratordConfig } from '../config.js';
import type { OwnEvents } from '../events/own-events.js';
import type { ReloadRoutesParts } from '../http/reload.routes.js';
import type { BindingRegistry } from '../manifest/binding-registry.js';
import type { ManifestReloads, ReloadSource } from '../manifest/reloads.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import { BindingMeter } from '../reloads/binding-meter.js';
import { FileWatch } from '../reloads/file-watch.js';
import type { Hangups } from '../reloads/hangups.js';
import { ReloadDesk } from '../reloads/reload-desk.js';
import { ReloadTrigger } from '../reloads/reload-trigger.js';
import { StateFile } from '../reloads/state-file.js';

export interface ReloadDoorsParts {
  readonly config: Pick<OrchestratordConfig, 'addr' | 'state_dir' | 'watch' | 'reload_api_keys' | 'reload_hmac_secret'>;
  readonly log: Log;
  readonly clock: Clock;
  readonly shutdown: Shutdown;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  readonly audit: Audit;
  readonly bus: EventBus;
  readonly events: OwnEvents;
  readonly nodes: Pick<NodeDirectory, 'nodes'>;
  readonly reloads: Pick<ManifestReloads, 'reload' | 'bindings' | 'history'>;
  readonly bindings: Pick<BindingRegistry, 'statuses' | 'countInto'>;
  readonly hangups: Hangups;
  /** The file's content that was read at start, see `fileIdentity`. */
  readonly seen: string | null;
  served(): Pick<ManifestStatus, 'path' | 'hash' | 'problem'>;
}

export interface ReloadDoors {
  readonly routes: ReloadRoutesParts;
  /** Brings the series of what the bindings have in flight up to now. */
  readonly meter: () => void;
  /** From here on the file, its watch and signals lead to reloads. */
  open(server: Pick<Listening, 'url' | 'port'>): Promise<void>;
}

/** The ways to a manifest reload: the call, SIGHUP, the watched file; and what is told of each. Before the server, so that it ends after it. [F-02] */
export function openReloadDoors(parts: ReloadDoorsParts): ReloadDoors {
  const { config, log, clock, metrics, shutdown, reloads, served, bus, nodes } = parts;
  const { path } = served();
  const stateFile = new StateFile({
    stateDir: config.state_dir,
    clock,
    log,
    manifestPath: path,
    manifestHash: () => served().hash,
    bindings: () => reloads.bindings(),
    connectors: () => [
      { id: 'bus', state: bus.state().connected ? 'connected' : 'disconnected' },
      ...nodes.nodes().map(({ node_id: nodeId, online }) => ({ id: `node:${nodeId}`, state: online ? ('connected' as const) : ('disconnected' as const) })),
    ],
  });
  const meter = new BindingMeter(parts.bindings, metrics);
  const desk = new ReloadDesk({ ...parts, stateFile });
  shutdown.add('state file', () => stateFile.stopped());
  const triggerOf = (source: ReloadSource): ReloadTrigger => new ReloadTrigger(() => desk.reload({ source, path: null, correlationId: newId() }));
  return {
    routes: { desk, auth: reloadAuth({ apiKeys: config.reload_api_keys, hmacSecret: config.reload_hmac_secret }), audit: parts.audit, clock },
    meter: meter.read,
    open: async ({ url, port }) => {
      await stateFile.started({ bind: config.addr.replace(/:\d+$/, `:${port}`), url });
      parts.hangups.listen(triggerOf('signal').fire);
      shutdown.add('hangup', () => parts.hangups.ignore());
      if (config.watch) await watchManifest(parts, path, triggerOf('file_watch').fire);
    },
  };
}

async function watchManifest({ log, clock, shutdown, seen }: ReloadDoorsParts, path: string | null, onChange: () => void): Promise<void> {
  if (path === null) return log.warn('there is no manifest to watch; start with --manifest FILE', {});
  const watch = new FileWatch({ path, clock, log, onChange });
  await watch.start(seen);
  shutdown.add('manifest watch', () => watch.close());
}
