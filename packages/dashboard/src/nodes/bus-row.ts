import type { AdminHealth } from '@corral/contracts';
import { formatAge } from '../wording/format-age.js';
import type { Tone } from '../wording/tone.js';

export interface BusRow {
  readonly tone: Tone;
  readonly state: string;
  readonly kind: string;
  readonly published: string;
  readonly problem: string | null;
}

/** The way that loads and unloads take; `sinceMs` is how long ago the answer came that told of it. [U-18] */
export function busRow({ event_bus: bus }: AdminHealth, sinceMs: number): BusRow {
  return {
    tone: bus.connected ? 'good' : 'bad',
    state: bus.connected ? 'connected' : 'not connected',
    kind: bus.mode === 'rabbitmq' ? 'RabbitMQ' : 'HTTP to each node, no broker',
    published: bus.last_publish_ms === null ? 'nothing published yet' : `last delivery ${formatAge(bus.last_publish_ms + sinceMs)} ago`,
    problem: bus.connected ? null : `${bus.last_error ?? 'The last delivery failed.'} Loads and unloads are refused until it is back; running answers go on.`,
  };
}

/** What waits on its way to a node, and whether the node listens; null where all is well. [U-18] */
export function deliveryProblem({ workers }: AdminHealth, nodeId: string): string | null {
  const worker = workers.find(({ node_id }) => node_id === nodeId);
  if (worker === undefined) return null;
  const waits = worker.queue_lag === 0 ? '' : `${worker.queue_lag} ${worker.queue_lag === 1 ? 'command waits' : 'commands wait'} to be delivered to it.`;
  const deaf = worker.consumer_connected === false ? 'It does not listen to the event bus.' : '';
  return waits === '' && deaf === '' ? null : `${deaf} ${waits}`.trim();
}
