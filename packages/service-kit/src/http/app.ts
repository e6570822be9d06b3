import { isApiError, ERRORS } from '@corral/contracts';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { systemClock, type Clock } from '../clock.js';
import { withCorrelation } from '../log/correlation.js';
import type { Log } from '../log/log.js';
import { METRICS_CONTENT_TYPE } from '../metrics.js';
import type { Gate } from './auth-gate.js';
import { CORRELATION_HEADER, correlationFor } from './correlation-header.js';
import { cors } from './cors.js';
import { readJsonBody, RequestAborted } from './json-body.js';
import { asApiError, errorShapeOf, sendError, type ErrorShape } from './render-error.js';
import { contextOf, openContext } from './request-context.js';
import { knownRoutes, noRoute } from './routes.js';

export interface HttpAppOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** The text of `GET /metrics`; left out, there is no such path. */
  readonly metricsText?: () => Promise<string>;
  /** Left out, everybody may call everything: for servers on a private socket. */
  readonly auth?: Gate;
  /** Paths that need no caller beside `/health`, `/ready` and `/metrics`, such as a dashboard's files. */
  readonly isOpenPath?: (path: string) => boolean;
  /** Open paths whose handler finds out who calls from the bytes of the body: it is parsed when the handler asks for it. */
  readonly isOwnGate?: (path: string) => boolean;
  /** Paths that programs ask every few seconds: a good answer is logged at `debug`. */
  readonly isRoutine?: (path: string) => boolean;
  /** Bytes of a body, for all paths or for each. Default 10 MiB. */
  readonly bodyLimitBytes?: number | ((path: string) => number);
  readonly openErrorsAs?: (path: string) => ErrorShape;
  readonly corsOrigins?: readonly string[];
  /** Registers the routes, with text paths on the app itself so that 404 and 405 can name them. */
  routes(app: Express): void;
}

/** Of somebody who has not yet shown who they are. */
const STRANGER_BODY_BYTES = 65_536;
const OPEN_PATHS = new Set(['/health', '/ready', '/metrics']);

/**
 * An express app in which every answer has a correlation id, every failure one shape, and every body is JSON
 * within the limit. Handlers may throw or reject with an ApiError; anything else becomes INTERNAL. [B-01 B-03 B-06]
 */
export function createHttpApp(options: HttpAppOptions): Express {
  const { log, clock = systemClock, metricsText, bodyLimitBytes = 10 * 1_048_576, corsOrigins = [] } = options;
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use(correlated(log, clock, options.isRoutine));
  app.use(securityHeaders);
  if (corsOrigins.length > 0) app.use(cors(corsOrigins));
  const isOwnGate = options.isOwnGate ?? (() => false);
  if (options.auth !== undefined) app.use(gated(options.auth, (path) => isOwnGate(path) || options.isOpenPath?.(path) === true));
  app.use(async (req, _res, next) => {
    const limit = typeof bodyLimitBytes === 'number' ? bodyLimitBytes : bodyLimitBytes(req.path);
    const isLate = isOwnGate(req.path);
    contextOf(req).body = await readJsonBody(req, isLate ? Math.min(limit, STRANGER_BODY_BYTES) : limit, isLate);
    next();
  });
  if (metricsText !== undefined) {
    app.get('/metrics', async (_req, res) => {
      const text = await metricsText();
      res.setHeader('Content-Type', METRICS_CONTENT_TYPE);
      res.end(text);
    });
  }
  options.routes(app);
  const routes = knownRoutes(app);
  const shapeOf = options.openErrorsAs ?? errorShapeOf;
  app.use((req, res) => {
    const { error, allow } = noRoute(req.method, req.path, routes);
    if (req.method === 'OPTIONS' && allow !== undefined) return void res.setHeader('Allow', allow).status(204).end();
    contextOf(req).failure = error;
    sendError(req, res, error, { shape: shapeOf(req.path), clock, ...(allow === undefined ? {} : { headers: { Allow: allow } }) });
  });
  app.use(failed(shapeOf, clock));
  return app;
}

/** HTTPS is not forced: home runs without certificates. */
const securityHeaders: RequestHandler = helmet({
  contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } },
  strictTransportSecurity: false,
});

function correlated(log: Log, clock: Clock, isRoutine: (path: string) => boolean = () => false): RequestHandler {
  return (req, res, next) => {
    const correlationId = correlationFor(req.headers['x-correlation-id']);
    const startedMs = clock.monotonicMs();
    const { method, path } = req;
    openContext(req, { correlationId });
    res.setHeader(CORRELATION_HEADER, correlationId);
    res.once('close', () => {
      const { caller, failure } = contextOf(req);
      const fields = {
        correlation_id: correlationId,
        method,
        path,
        status: res.headersSent ? res.statusCode : null,
        duration_ms: Math.round(clock.monotonicMs() - startedMs),
        ...(caller === undefined ? {} : { identity: caller.identity }),
        ...(res.writableFinished ? {} : { cut: true }),
      };
      logAnswer(log, fields, { failure, routine: OPEN_PATHS.has(path) || isRoutine(path) });
    });
    withCorrelation(correlationId, next);
  };
}

/** One line per request; what probes ask every few seconds is kept for debugging. */
function logAnswer(log: Log, fields: object, { failure, routine }: { readonly failure: unknown; readonly routine: boolean }): void {
  if (failure === undefined) return routine ? log.debug('request answered', fields) : log.info('request answered', fields);
  if (failure instanceof RequestAborted) return log.debug('request cut', fields);
  if (!isApiError(failure)) return log.error('request failed', { ...fields, error: failure });
  const refusal = {
    ...fields,
    code: failure.code,
    reason: failure.message,
    ...(failure.cause === undefined ? {} : { cause: failure.cause }),
  };
  if (ERRORS[failure.code].status >= 500) log.warn('request refused', refusal);
  else log.info('request refused', refusal);
}

function gated(auth: Gate, isOpenPath: (path: string) => boolean): RequestHandler {
  return async (req, _res, next) => {
    if (!OPEN_PATHS.has(req.path) && !isOpenPath(req.path)) contextOf(req).caller = await auth(req);
    next();
  };
}

function failed(shapeOf: (path: string) => ErrorShape, clock: Clock): ErrorRequestHandler {
  return (thrown, req, res, _next) => {
    const error = asApiError(thrown);
    contextOf(req).failure ??= error;
    if (error instanceof RequestAborted || res.headersSent) res.destroy();
    else sendError(req, res, error, { shape: shapeOf(req.path), clock });
  };
}
