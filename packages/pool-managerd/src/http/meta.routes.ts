import type { Express } from 'express';

export interface MetaRoutesParts {
  readonly version: string;
  readonly incarnation: string;
  /** `null` when a pool is ready. */
  notReadyReason(): string | null;
}

/** `GET /health`: the process is up. `GET /ready`: a pool may receive work. */
export function metaRoutes(app: Express, { version, incarnation, notReadyReason }: MetaRoutesParts): void {
  app.get('/health', (_req, res) => {
    res.json({ status: 'ok', version, incarnation });
  });
  app.get('/ready', (_req, res) => {
    const reason = notReadyReason();
    res.status(reason === null ? 200 : 503).json({ ready: reason === null, reason });
  });
}
