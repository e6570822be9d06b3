import { ApiError, ModelPull, validator, type ModelVerified, type ORCHESTRATORD_METRICS } from '@corral/contracts';
import { optionalBody, sendOperation, wantsToWait, type Metrics, type Operations, type OperationWork } from '@corral/service-kit';
import type { Express, Request } from 'express';
import type { Audit } from '../audit/audit.js';
import { audited } from '../audit/audited.js';
import type { CatalogCalls } from '../catalog/catalog-calls.js';
import type { FleetLook } from '../catalog/fleet-look.js';
import type { KnownModel } from '../catalog/model-view.js';
import { pullOn, verifyOn, type NodeWorkParts } from '../catalog/node-work.js';
import { pullTargets } from '../catalog/pull-targets.js';
import { retiredMessage } from '../manifest/resolve-model-ref.js';
import { knownQuery } from './page.js';

export interface CatalogWorkParts extends NodeWorkParts {
  readonly calls: Pick<CatalogCalls, 'known' | 'setVerified'>;
  readonly operations: Operations;
  readonly audit: Audit;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  look(): FleetLook;
}

const modelPull = validator(ModelPull);
/** Every model of this version is for the one engine that it has. */
const ENGINE = 'llamacpp';

/** What nodes do for the catalog, each an operation with its progress. [B-32 B-92 A-162] */
export function catalogWorkRoutes(app: Express, parts: CatalogWorkParts): void {
  const { calls, operations, audit, look } = parts;
  const begin = (req: Request, what: 'verify' | 'pull', modelId: string, prepare: () => OperationWork) =>
    audited(audit, req, { action: `model.${what}`, source: 'api_catalog', detail: { model_id: modelId.slice(0, 256) } }, () => operations.start({ kind: `model_${what}`, subject: { model_id: modelId } }, prepare()));

  app.post('/v2/catalog/models/:model_id/verify', async (req, res) => {
    const { model_id: modelId } = req.params;
    knownQuery(req, ['wait']);
    wantsToWait(req);
    const operation = await begin(req, 'verify', modelId, () => {
      const known = calls.known(modelId);
      const nodeIds = onlineHolders(known, look());
      return async (step, signal) => {
        const verified = await verifyOn(parts, known.spec, nodeIds, { step, signal });
        await calls.setVerified(modelId, { result: verified.result, reason: verified.reason }, verified.last_verified_ms);
        parts.metrics.inc('catalog_verifications_total', { result: verified.result, reason: reasonOf(verified), engine: ENGINE });
        return verified;
      };
    });
    await sendOperation(req, res, operations, operation);
  });

  app.post('/v2/catalog/models/:model_id/pull', async (req, res) => {
    const { model_id: modelId } = req.params;
    knownQuery(req, ['wait']);
    wantsToWait(req);
    const operation = await begin(req, 'pull', modelId, () => {
      const { nodes } = optionalBody(modelPull, req);
      const { spec, state } = calls.known(modelId);
      if (state === 'Retired') throw new ApiError('MODEL_DEPRECATED', retiredMessage(modelId), { field: 'model_id' });
      const nodeIds = pullTargets(modelId, nodes, look().sources);
      return (step, signal) => pullOn(parts, spec, nodeIds, { step, signal });
    });
    await sendOperation(req, res, operations, operation);
  });
}

function onlineHolders({ spec }: KnownModel, look: FleetLook): readonly string[] {
  const holders = look.holders(spec.model_id);
  const online = holders.filter(({ place }) => place.online).map(({ place }) => place.nodeId);
  if (online.length > 0) return online;
  if (holders.length > 0) throw new ApiError('NODE_UNAVAILABLE', `${spec.model_id} lies on ${holders.map(({ place }) => place.nodeId).join(', ')} alone, which does not report; try again when it does`, { retry_after_ms: 5_000 });
  throw new ApiError('CONFLICT', `no node has a file of model ${spec.model_id}; fetch it first with corral models pull ${spec.model_id}`);
}

/** A closed set: what a message says is no label. */
function reasonOf({ result, nodes }: ModelVerified): string {
  if (result === 'pass') return 'digest_equal';
  if (result === 'warn') return 'no_digest';
  return nodes.some(({ digest, result: one }) => one === 'fail' && digest !== null) ? 'digest_differs' : 'not_readable';
}
