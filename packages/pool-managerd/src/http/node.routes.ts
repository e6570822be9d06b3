import { ApiError } from '@corral/contracts';
import type { NodeState } from '@corral/contracts';
import { body } from '@corral/service-kit';
import type { Express } from 'express';
import type { EventIntake } from '../assignments/event-intake.js';
import type { ObservedAssignment } from '../assignments/outcome-watch.js';

export interface NodeRoutesParts {
  readonly events: EventIntake;
  state(): NodeState;
  assignments(): readonly ObservedAssignment[];
}

/** Events of one delivery at most. */
const EVENTS_MAX = 100;

/** The node as the control plane sees it: events in, full state and assignments out. [E-03 P-16] */
export function nodeRoutes(app: Express, { events, state, assignments }: NodeRoutesParts): void {
  app.post('/v2/events', async (req, res) => {
    const sent = body((value) => ({ ok: true, value }), req);
    const list: readonly unknown[] = Array.isArray(sent) ? sent : [sent];
    if (list.length > EVENTS_MAX) throw new ApiError('INVALID_PARAMS', `${list.length} events are too many for one delivery; send at most ${EVENTS_MAX}`);
    res.json({ data: await events.take(list) });
  });
  app.get('/v2/node', (_req, res) => {
    res.json(state());
  });
  app.get('/v2/assignments', (_req, res) => {
    res.json({ data: assignments().map(({ assignment, status }) => ({ ...assignment, status })), next_cursor: null });
  });
}
