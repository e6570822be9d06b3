import type { AdminHealth } from '@corral/contracts';
import type { BusState } from '@corral/event-bus';
import type { Clock } from '@corral/service-kit';
import type { Express } from 'express';
import { poolStats, type PoolStatsSources } from '../instances/pool-stats.js';
import type { EventAges } from '../nodes/event-ages.js';
import type { NodeDirectory } from '../nodes/node-view.js';

export interface StatsRoutesParts {
  readonly clock: Clock;
  readonly nodes: Pick<NodeDirectory, 'nodes'>;
  readonly eventAges: EventAges;
  /** Everything that the statistics follow from, as it is now. */
  sources(): PoolStatsSources;
  bus(): BusState;
  /** Commands that wait to be published, by node. */
  unsent(): Promise<ReadonlyMap<string, number>>;
}

/** Numbers for the pool page, and what an operator asks first when something is wrong. Both answer with every node down; the guard before them asks for a system_admin. [B-119 B-121 J-02] */
export function statsRoutes(app: Express, parts: StatsRoutesParts): void {
  app.get('/api/admin/pool/stats', (_req, res) => void res.json(poolStats(parts.sources())));

  app.get('/api/admin/health', async (_req, res) => void res.json(adminHealth(parts, await parts.unsent())));
}

function adminHealth(parts: StatsRoutesParts, unsent: ReadonlyMap<string, number>): AdminHealth {
  const { clock, eventAges } = parts;
  const bus = parts.bus();
  const { instances, stateOf } = parts.sources();
  const workers = parts.nodes.nodes().map((node) => ({
    node_id: node.node_id,
    online: node.online,
    last_heartbeat_ms: node.last_heartbeat_ms,
    // Without a broker a node takes its commands over HTTP: it is connected while it answers.
    consumer_connected: bus.mode === 'http' ? node.online : node.consumer_connected === null ? null : node.online && node.consumer_connected,
    last_event_ms: eventAges.ageMs(node.node_id),
    queue_lag: unsent.get(node.node_id) ?? 0,
    last_error: node.last_error,
  }));
  const isBusWell = bus.mode === 'http' || bus.connected;
  return {
    status: isBusWell && workers.length > 0 && workers.every(({ online }) => online) ? 'ok' : 'degraded',
    event_bus: {
      mode: bus.mode,
      connected: bus.connected,
      last_publish_ms: bus.lastPublishMs === null ? null : Math.max(0, Math.round(clock.nowMs() - bus.lastPublishMs)),
      last_error: bus.lastError,
    },
    workers,
    instances: instances.map((instance) => {
      const { residency, isReady, lastError } = stateOf(instance);
      return { org_id: instance.orgId, instance_id: instance.instanceId, residency, ready: isReady, last_error: lastError };
    }),
  };
}
