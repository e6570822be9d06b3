import { ApiError } from '@corral/contracts';
import { SSE_HEARTBEAT, type Clock } from '@corral/service-kit';
import type { Express, Request } from 'express';
import { requireRole } from '../access/principal.js';
import type { EventFeed, FeedEntry } from '../events/event-feed.js';
import { openEventStream } from './event-stream.js';

export interface EventRoutesParts {
  readonly feed: Pick<EventFeed, 'after' | 'onEntry'>;
  readonly clock: Clock;
}

/** A reader who lets so many entries wait is cut: it can come back with the last id that it saw. */
const BEHIND_MAX = 1_000;
const HEARTBEAT_MS = 15_000;

/** What passes the event bus, as it passes: commands to nodes and what happened there. Of every organisation, hence for system admins. [E-40] */
export function eventRoutes(app: Express, { feed, clock }: EventRoutesParts): void {
  app.get('/v2/events/stream', (req, res) => {
    requireRole(req, 'system_admin');
    const sinceId = sinceOf(req);
    const stream = openEventStream(res);
    const closed = new AbortController();
    let waiting: FeedEntry[] | null = null;
    const write = (entry: FeedEntry): void => {
      if (waiting !== null) waiting.push(entry);
      else if (!stream.write(frameOf(entry))) waiting = [];
      if ((waiting?.length ?? 0) > BEHIND_MAX) res.destroy();
    };
    stream.onDrain(() => {
      const entries = waiting ?? [];
      waiting = null;
      for (const entry of entries) write(entry);
    });
    const end = feed.onEntry(write);
    stream.onClose(() => {
      end();
      closed.abort();
    });
    for (const entry of feed.after(sinceId ?? Number.MAX_SAFE_INTEGER)) write(entry);
    void keepAlive(() => void stream.write(Buffer.from(SSE_HEARTBEAT)), clock, closed.signal);
  });
}

async function keepAlive(beat: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(HEARTBEAT_MS, signal).catch(() => undefined);
    if (!signal.aborted) beat();
  }
}

/** `null` = only what comes. A header counts before the parameter: a client that comes back sends it by itself. */
function sinceOf(req: Request): number | null {
  const text = req.get('last-event-id') ?? req.query['since'];
  if (text === undefined) return null;
  if (typeof text !== 'string' || !/^\d{1,16}$/.test(text)) throw new ApiError('INVALID_PARAMS', 'since must be the id of an event; 0 stands for all that are kept', { field: 'since' });
  return Number(text);
}

function frameOf({ id, event }: FeedEntry): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}
