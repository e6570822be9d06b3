import { GcRequest, validator } from '@corral/contracts';
import { optionalBody } from '@corral/service-kit';
import type { Express } from 'express';
import type { GarbageCollector } from '../gc/garbage-collector.js';
import { gcPlanView, gcReportView } from '../gc/gc-view.js';

export interface GcRoutesParts {
  readonly collector: GarbageCollector;
}

const gcRequest = validator(GcRequest);

/** What a garbage collection of this node would do, and one that does it. [D-33 D-38] */
export function gcRoutes(app: Express, { collector }: GcRoutesParts): void {
  app.get('/v2/gc/plan', async (_req, res) => {
    res.json(gcPlanView(await collector.plan(), collector));
  });
  app.post('/v2/gc', async (req, res) => {
    const { dry_run: isDry = false } = optionalBody(gcRequest, req);
    res.json(isDry ? gcPlanView(await collector.plan(), collector) : gcReportView(await collector.run('operator'), collector));
  });
}
