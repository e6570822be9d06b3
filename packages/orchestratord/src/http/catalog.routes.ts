import { ApiError, ModelPatch, ModelRegister, ModelStateChange, validator, type CatalogModel, type CatalogModelList, type ModelState, type Operation } from '@corral/contracts';
import { body, correlationOf, operationError, type Operations } from '@corral/service-kit';
import type { Express, Request, Response } from 'express';
import { principalOf } from '../access/principal.js';
import type { Audit } from '../audit/audit.js';
import { audited } from '../audit/audited.js';
import { availabilityOf } from '../catalog/availability.js';
import type { Catalog } from '../catalog/catalog.js';
import type { CatalogCall, CatalogCalls } from '../catalog/catalog-calls.js';
import type { CatalogIndex } from '../catalog/catalog-index.js';
import type { FleetLook } from '../catalog/fleet-look.js';
import { modelView, versionOf, type KnownModel } from '../catalog/model-view.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import { filterOf, knownQuery, pageOf } from './page.js';

export interface CatalogRoutesParts {
  readonly catalog: Pick<Catalog, 'version'>;
  readonly index: Pick<CatalogIndex, 'page'>;
  readonly calls: CatalogCalls;
  readonly nodes: Pick<NodeDirectory, 'nodes'>;
  readonly audit: Audit;
  look(): FleetLook;
  readonly operations: Pick<Operations, 'ended'>;
  /** Begins it. */
  purge(modelId: string, call: CatalogCall): Promise<Operation>;
}

const modelRegister = validator(ModelRegister);
const modelPatch = validator(ModelPatch);
const stateChange = validator(ModelStateChange);

const ALL = '/v2/catalog/models';
const ONE = `${ALL}/:model_id`;
const SOURCE = 'api_catalog';

/** The operator's catalog: what is meant to be served, and where it is. For system_admins: the guard before these routes asks. [B-27 B-28 B-29 B-30 B-31 B-33 B-45] */
export function catalogRoutes(app: Express, parts: CatalogRoutesParts): void {
  lookRoutes(app, parts);
  definitionRoutes(app, parts);
  stateRoutes(app, parts);
}

function lookRoutes(app: Express, { catalog, index, calls, nodes, look }: CatalogRoutesParts): void {
  app.get(ALL, (req, res) => {
    knownQuery(req, ['state', 'tag', 'node', 'q', 'limit', 'cursor']);
    const filter = { state: stateOf(filterOf(req, 'state')), tag: filterOf(req, 'tag'), nodeId: filterOf(req, 'node'), text: filterOf(req, 'q') };
    const { items, nextCursor, total } = index.page(filter, pageOf(req));
    const fleet = look();
    res.json({ data: items.map((known) => modelView(known, fleet)), next_cursor: nextCursor, total, catalog_version: catalog.version() } satisfies CatalogModelList);
  });

  app.get('/v2/catalog/availability', (_req, res) => void res.json(availabilityOf(look().sources, nodes.nodes())));

  app.get(ONE, (req, res) => void res.json(shown(res, calls.known(req.params.model_id), look())));
}

function definitionRoutes(app: Express, { calls, audit, look, purge, operations }: CatalogRoutesParts): void {
  app.post(ALL, async (req, res) => {
    const { known, isNew } = await audited(audit, req, { action: 'model.register', source: SOURCE, made: (result) => ({ model_id: result.known.spec.model_id }) }, () => calls.register(body(modelRegister, req), callOf(req)));
    const answer = shown(res, known, look());
    res.status(isNew ? 201 : 200).location(`${ALL}/${encodeURIComponent(answer.id)}`).json(answer);
  });

  app.patch(ONE, async (req, res) => {
    const { model_id: modelId } = req.params;
    const known = await audited(audit, req, entry('model.change', modelId), () => calls.patch(modelId, body(modelPatch, req), callOf(req)));
    res.json(shown(res, known, look()));
  });

  app.delete(ONE, async (req, res) => {
    const { model_id: modelId } = req.params;
    knownQuery(req, ['purge', 'wait']);
    const isAwaited = flagOf(req, 'wait') ?? true;
    if (flagOf(req, 'purge') !== true) {
      await audited(audit, req, entry('model.retire', modelId), () => calls.setState(modelId, { state: 'Retired' }, callOf(req)));
      return void res.status(204).end();
    }
    const made = ({ operation_id }: Operation) => ({ operation_id });
    const operation = await audited(audit, req, { ...entry('model.purge', modelId), made }, async () => {
      const begun = await purge(modelId, callOf(req));
      res.location(`/v2/operations/${begun.operation_id}`);
      return isAwaited ? endedWell(operations, begun) : begun;
    });
    if (isAwaited) res.status(204).end();
    else res.status(202).json(operation);
  });
}

/** The operation once it has ended. Throws what it failed with. */
async function endedWell(operations: Pick<Operations, 'ended'>, { operation_id }: Operation): Promise<Operation> {
  const ended = await operations.ended(operation_id);
  if (ended === undefined) throw new ApiError('NOT_FOUND', `operation ${operation_id} is forgotten; look at the model`);
  if (ended.error !== null) throw operationError(ended.error);
  return ended;
}

function stateRoutes(app: Express, { calls, audit, look }: CatalogRoutesParts): void {
  for (const method of ['patch', 'post'] as const) {
    app[method](`${ONE}/state`, async (req: Request<{ model_id: string }>, res: Response) => {
      const { model_id: modelId } = req.params;
      const known = await audited(audit, req, entry('model.state', modelId), () => {
        const { state, deadline_ms: deadlineMs } = body(stateChange, req);
        return calls.setState(modelId, { state, deadlineMs }, callOf(req));
      });
      res.json(shown(res, known, look()));
    });
  }

  app.put(`${ONE}/pin`, async (req, res) => {
    const { model_id: modelId } = req.params;
    const known = await audited(audit, req, entry('model.pin', modelId), () => calls.setPinned(modelId, true, callOf(req)));
    res.json(shown(res, known, look()));
  });

  app.delete(`${ONE}/pin`, async (req, res) => {
    const { model_id: modelId } = req.params;
    await audited(audit, req, entry('model.unpin', modelId), () => calls.setPinned(modelId, false, callOf(req)));
    res.status(204).end();
  });
}

function shown(res: Response, known: KnownModel, look: FleetLook): CatalogModel {
  res.setHeader('ETag', versionOf(known));
  return modelView(known, look);
}

function entry(action: string, modelId: string) {
  return { action, source: SOURCE, detail: { model_id: modelId.slice(0, 256) } };
}

/** Who asks, the version that a change is of, and how strict trust is: the header may only tighten it. [B-94] */
function callOf(req: Request): CatalogCall {
  const policy = req.get('X-Trust-Policy')?.toLowerCase();
  if (policy !== undefined && policy !== 'strict' && policy !== 'permissive') throw new ApiError('INVALID_PARAMS', 'the header X-Trust-Policy is neither strict nor permissive; correct it or leave it out', { field: 'X-Trust-Policy' });
  return { by: { actor: principalOf(req).identity, correlationId: correlationOf(req) }, ifMatch: req.get('If-Match'), isStrict: policy === 'strict' };
}

function stateOf(text: string | null): ModelState | null {
  if (text === null || text === 'Active' || text === 'Retired') return text;
  throw new ApiError('INVALID_PARAMS', 'state is neither Active nor Retired', { field: 'state' });
}

/** `null` where it was not given. */
function flagOf(req: Request, name: string): boolean | null {
  const text = filterOf(req, name);
  if (text === null) return null;
  if (text === 'false') return false;
  if (text === 'true') return true;
  throw new ApiError('INVALID_PARAMS', `${name} is neither true nor false`, { field: name });
}
