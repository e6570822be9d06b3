import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ApiError, ERRORS, isApiError, ReloadRequest, validator, type AuditOutcome } from '@corral/contracts';
import { correlationOf, optionalBody, rawBody, type Clock } from '@corral/service-kit';
import type { Express, Request } from 'express';
import type { ReloadAuth } from '../access/reload-auth.js';
import type { Audit } from '../audit/audit.js';
import type { ReloadDesk } from '../reloads/reload-desk.js';
import { shownFailure, shownReload } from '../reloads/shown-reload.js';
import { DEFAULT_ORG } from '../store/open-store.js';
import { filterOf, knownQuery } from './page.js';

export interface ReloadRoutesParts {
  readonly desk: Pick<ReloadDesk, 'reload' | 'status' | 'path'>;
  readonly auth: ReloadAuth;
  readonly audit: Audit;
  readonly clock: Clock;
}

const PATH = '/admin/reload';
const SHOWN_MAX = 50;
const checkRequest = validator(ReloadRequest);

/** The path whose callers have keys of their own, which the gate of the daemon does not know. [G-45] */
export function isReloadPath(path: string): boolean {
  return path === PATH;
}

/** `POST /admin/reload`, and what is served. [F-06 F-10 F-11] */
export function reloadRoutes(app: Express, { desk, auth, audit, clock }: ReloadRoutesParts): void {
  app.post(PATH, async (req, res) => {
    const actor = auth({ method: req.method, path: req.originalUrl, body: rawBody(req), authorization: req.headers.authorization, apiKey: req.get('x-api-key'), nowMs: clock.nowMs() });
    const correlationId = correlationOf(req);
    const note = (outcome: AuditOutcome, detail: Record<string, string>): Promise<void> =>
      audit.record({ action: 'manifest.reload', source: 'admin_api', actor, orgId: DEFAULT_ORG, instanceId: null, outcome, correlationId, detail });
    const source = await wantedSource(req, desk.path).catch(async (error: unknown) => {
      await note('failed', { code: isApiError(error) ? error.code : 'INTERNAL' });
      throw error;
    });
    const outcome = await desk.reload({ source, path: null, correlationId });
    if (outcome.kind === 'ok') {
      await note('granted', { source, manifest_hash: outcome.manifestHash });
      return void res.json(shownReload(outcome));
    }
    await note('failed', { source, code: 'RELOAD_FAILED', step: outcome.step });
    res.status(ERRORS.RELOAD_FAILED.status).json(shownFailure(outcome));
  });

  app.get('/v2/manifest', (req, res) => {
    knownQuery(req, ['reloads']);
    const status = desk.status();
    res.json({ ...status, reloads: status.reloads.slice(0, reloadsOf(req)) });
  });
}

/** How many of the last reloads are shown. */
function reloadsOf(req: Request): number {
  const text = filterOf(req, 'reloads') ?? String(SHOWN_MAX);
  const count = /^\d{1,2}$/.test(text) ? Number(text) : SHOWN_MAX + 1;
  if (count > SHOWN_MAX) throw new ApiError('INVALID_PARAMS', `reloads must be a number from 0 to ${SHOWN_MAX}`, { field: 'reloads' });
  return count;
}

/** The body, checked. Another manifest than the one that the server was started with is refused: a key to reload is no key to replace. [F-40] */
async function wantedSource(req: Request, served: string | null) {
  const { source = 'admin_api', path } = optionalBody(checkRequest, req);
  if (path === undefined || (served !== null && (await isSameFile(path, served)))) return source;
  const own = served === null ? 'was started without a manifest; start it with --manifest' : `serves ${served}; change that file, or start the server with the other one`;
  throw new ApiError('INVALID_PARAMS', `this server ${own}`, { field: 'path' });
}

/** By name, or where links lead: a shell and a program may know one folder by two names. */
async function isSameFile(asked: string, served: string): Promise<boolean> {
  if (resolve(asked) === served) return true;
  const [a, b] = await Promise.all([asked, served].map((path) => realpath(path).catch(() => null)));
  return a !== null && a === b;
}
