import { ApiError, GcPlan, GcReport, GcRequest, validator, type GcPlans, type GcReports } from '@corral/contracts';
import { optionalBody, sendOperation, wantsToWait, type Clock, type Operations } from '@corral/service-kit';
import type { Express, Request } from 'express';
import type { Audit } from '../audit/audit.js';
import { audited } from '../audit/audited.js';
import { askEveryNode } from '../gc/ask-every-node.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import { filterOf, knownQuery } from './page.js';

export interface GcRoutesParts {
  readonly nodes: Pick<NodeDirectory, 'places' | 'clientFor' | 'refresh'>;
  readonly operations: Operations;
  readonly audit: Audit;
  readonly clock: Clock;
}

const gcRequest = validator(GcRequest);
const gcPlan = validator(GcPlan);
const gcReport = validator(GcReport);

const PLAN_MS = 30_000;
/** Deleting thousands of files from a slow disk takes its time. */
const PASS_MS = 600_000;
/** A pass mostly ends at once: then its outcome is in the answer already. */
const QUICK_MS = 2_000;

/** Garbage collection on every node: what it would do, or doing it. For system_admins: the guard before these routes asks. [D-33 D-69] */
export function gcRoutes(app: Express, { nodes, operations, audit, clock }: GcRoutesParts): void {
  const plans = async (): Promise<GcPlans> => ({ nodes: await askEveryNode(nodes, (client) => client.json('GET', '/v2/gc/plan', undefined, { timeoutMs: PLAN_MS }), gcPlan) });

  app.post('/v2/catalog/gc', async (req, res) => {
    knownQuery(req, ['dry_run', 'wait']);
    if (isDry(req)) return void res.json(await plans());
    wantsToWait(req);
    const operation = await audited(audit, req, { action: 'catalog.gc', source: 'api_catalog', made: ({ operation_id }) => ({ operation_id }) }, () =>
      operations.start({ kind: 'catalog_gc', subject: {} }, async (step, signal) => {
        step({ phase: 'collecting', fraction: null });
        const reports: GcReports = { nodes: await askEveryNode(nodes, (client) => client.json('POST', '/v2/gc', {}, { timeoutMs: PASS_MS, signal, idempotent: true }), gcReport) };
        for (const nodeId of Object.keys(reports.nodes)) nodes.refresh(nodeId);
        return reports;
      }),
    );
    const waited = new AbortController();
    await Promise.race([operations.ended(operation.operation_id, waited.signal), clock.sleep(QUICK_MS, waited.signal)]).finally(() => waited.abort(new Error('long enough')));
    await sendOperation(req, res, operations, operations.get(operation.operation_id) ?? operation);
  });
}

/** By the query or by the body. */
function isDry(req: Request): boolean {
  const { dry_run: inBody = false } = optionalBody(gcRequest, req);
  const text = filterOf(req, 'dry_run');
  if (text === null) return inBody;
  if (text !== 'true' && text !== 'false') throw new ApiError('INVALID_PARAMS', 'dry_run is neither true nor false', { field: 'dry_run' });
  return text === 'true' || inBody;
}
