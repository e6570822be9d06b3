import { API_VERSION, openApiDocument, takesWork, type CallerInfo } from '@corral/contracts';
import type { Express } from 'express';
import { principalOf } from '../access/principal.js';
import type { PoolView } from '../nodes/node-view.js';

export interface MetaRoutesParts {
  readonly version: string;
  readonly incarnation: string;
  pools(): readonly PoolView[];
  /** Slots of one served model; what `max_tokens` and `ctx` may ask for at most. */
  largestContext(): number | null;
  /** Set when what is served is not what was asked for, such as a broken manifest. */
  problem(): string | null;
}

/** Health, readiness, versions, capabilities, who calls, and the document of all calls. [B-26 B-44 B-88 B-89 U-16] */
export function metaRoutes(app: Express, parts: MetaRoutesParts): void {
  const document = JSON.stringify(openApiDocument());

  app.get('/health', (_req, res) => void res.json({ status: 'ok', version: parts.version, incarnation: parts.incarnation }));
  app.get('/ready', (_req, res) => {
    const reason = unreadyReason(parts.pools());
    res.status(reason === null ? 200 : 503).json({ ready: reason === null, reason: reason ?? parts.problem() });
  });
  app.get('/v2/meta/caller', (req, res) => {
    const { orgId, role, keyId } = principalOf(req);
    const caller: CallerInfo = { org_id: orgId, role, key_id: keyId };
    res.json(caller);
  });
  app.get('/v2/meta/version', (_req, res) => void res.json({ api_version: API_VERSION, build_commit: null, build_time: null }));
  app.get('/v2/meta/capabilities', (_req, res) => void res.json({ api_version: API_VERSION, engines: enginesOf(parts) }));
  app.get('/openapi.json', (_req, res) => void res.type('application/json').send(document));
}

/** Ready means that one pool is; else what each of them lacks. [DESIGN 10.11] */
function unreadyReason(pools: readonly PoolView[]): string | null {
  if (pools.some(({ online, status }) => online && status.ready && !status.draining)) return null;
  if (pools.length === 0) return 'no node has registered; start pool-managerd';
  return pools.map(({ online, status }) => `${status.pool_id}: ${online ? (status.last_error ?? (status.draining ? 'draining' : 'starting')) : 'its node does not report'}`).join('; ');
}

function enginesOf({ pools, largestContext }: MetaRoutesParts) {
  const live = pools().filter(({ online, status }) => online && status.live && takesWork(status) && !status.draining);
  const versions = new Map<string, PoolView[]>();
  for (const pool of live) {
    const key = `${pool.status.engine} ${pool.status.engine_version}`;
    versions.set(key, [...(versions.get(key) ?? []), pool]);
  }
  return [...versions.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const ctxMax = largestContext();
    return {
      engine: first.status.engine,
      engine_version: first.status.engine_version,
      ctx_max: ctxMax,
      max_tokens_out: ctxMax,
      slots: group.reduce((sum, { status }) => sum + status.slots_total, 0),
      supported_workloads: ['completion'],
      batching: true,
      features: ['chat', 'completion', 'streaming', 'stop', 'seed', 'cancel'],
    };
  });
}
