import type { EventData, EventEnvelope, EventType } from '@corral/contracts';
import { newId, type Clock } from '@corral/service-kit';

export interface EnvelopeFacts {
  /** `orchestratord` or `pool-managerd/<node_id>`. */
  readonly source: string;
  readonly clock: Clock;
  readonly correlationId?: string | undefined;
}

/** Wraps a payload as a CloudEvents 1.0 event with an id of its own. [E-06] */
export function envelopeOf<T extends EventType>(type: T, data: EventData<T>, { source, clock, correlationId }: EnvelopeFacts): EventEnvelope<T> {
  const envelope = {
    specversion: '1.0',
    id: newId(),
    type,
    source,
    time: new Date(clock.nowMs()).toISOString(),
    datacontenttype: 'application/json',
    ...(correlationId === undefined ? {} : { correlationid: correlationId }),
    data,
  };
  return envelope as EventEnvelope<T>;
}
