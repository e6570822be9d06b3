import type { EventEnvelope } from '@corral/contracts';
import type { NodeDirectory } from '../nodes/node-view.js';
import type { InstanceHappening } from '../store/instance-event-rows.js';
import type { InstanceHistory } from './instance-history.js';

/** Ids of events that are remembered: a bus may deliver one twice. */
const REMEMBERED = 4_096;

/** Writes down what nodes report of instances. Returns the end of the subscription. [B-153] */
export function noteNodeEvents(nodes: Pick<NodeDirectory, 'onChange'>, history: Pick<InstanceHistory, 'note'>): () => void {
  const seen = new Set<string>();
  return nodes.onChange((change) => {
    if (change.type !== 'event' || seen.has(change.event.id)) return;
    seen.add(change.event.id);
    const [oldest] = seen;
    if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
    const happening = happeningOf(change.event);
    if (happening !== null) history.note(happening);
  });
}

/** An event about an instance as its history tells it; `null` for any other. Pure. */
function happeningOf({ type, time, data }: EventEnvelope): InstanceHappening | null {
  if (!type.startsWith('instance.') || !('instance_id' in data && 'duration_ms' in data)) return null;
  const { org_id, instance_id, duration_ms, last_error, reason, steps = [] } = data;
  return {
    orgId: org_id,
    instanceId: instance_id,
    atMs: Date.parse(time),
    type: type.slice('instance.'.length),
    reason: type === 'instance.load_failed' ? (last_error ?? reason) : reason,
    durationMs: type === 'instance.loading' ? null : duration_ms,
    steps: type === 'instance.loading' ? [] : steps,
  };
}
