import type { RequestHandler } from 'express';

const EXPOSED = 'X-Correlation-Id, Retry-After, X-Backoff-Ms';

/** Lets the pages of the named origins read answers; without origins it is not installed. [B-07] */
export function cors(origins: readonly string[]): RequestHandler {
  return (req, res, next) => {
    const { origin } = req.headers;
    res.vary('Origin');
    if (origin === undefined || !origins.includes(origin)) return next();
    res.setHeader('Access-Control-Allow-Origin', origin);
    res.setHeader('Access-Control-Expose-Headers', EXPOSED);
    // The pages of a listed origin are meant to use what they read.
    res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    if (req.method !== 'OPTIONS' || req.headers['access-control-request-method'] === undefined) return next();
    res.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE');
    res.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, If-Match, X-Correlation-Id');
    res.setHeader('Access-Control-Max-Age', '600');
    res.status(204).end();
  };
}
