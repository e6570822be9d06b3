import { EngineAdd, EnginePatch, validator } from '@corral/contracts';
import { body, sendOperation, wantsToWait } from '@corral/service-kit';
import type { Operations } from '@corral/service-kit';
import type { Express } from 'express';
import type { Engines } from '../engines/engines.js';

export interface EngineRoutesParts {
  readonly engines: Engines;
  readonly operations: Operations;
}

const engineAdd = validator(EngineAdd);
const enginePatch = validator(EnginePatch);

/** Engine bundles of this node: list, add, verify, use, pin and retire, remove. [D-11 D-25] */
export function engineRoutes(app: Express, { engines, operations }: EngineRoutesParts): void {
  app.get('/v2/engines', async (_req, res) => void res.json({ data: await engines.list(), next_cursor: null }));
  app.post('/v2/engines', async (req, res) => {
    wantsToWait(req);
    await sendOperation(req, res, operations, engines.add(body(engineAdd, req)));
  });
  app.get('/v2/engines/:engine_id', async (req, res) => void res.json(await engines.get(req.params.engine_id)));
  app.patch('/v2/engines/:engine_id', async (req, res) => void res.json(await engines.change(req.params.engine_id, body(enginePatch, req))));
  app.delete('/v2/engines/:engine_id', async (req, res) => {
    await engines.remove(req.params.engine_id);
    res.status(204).end();
  });
  app.post('/v2/engines/:engine_id/verify', async (req, res) => {
    wantsToWait(req);
    await sendOperation(req, res, operations, engines.verify(req.params.engine_id));
  });
  app.post('/v2/engines/:engine_id/use', async (req, res) => {
    wantsToWait(req);
    await sendOperation(req, res, operations, engines.use(req.params.engine_id));
  });
}
