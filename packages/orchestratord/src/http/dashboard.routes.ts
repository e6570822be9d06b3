import { ApiError } from '@corral/contracts';
import type { Express, Request, Response } from 'express';
import type { Site, SiteFile } from '../dashboard/read-site.js';

export interface DashboardRoutesParts {
  /** Empty where the dashboard was not built. */
  readonly site: Site;
}

const HOME = '/ui/';

/** Nothing but the page's own files, its own server, and no frame around it. [U-02] */
const POLICY = ["default-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "object-src 'none'", "require-trusted-types-for 'script'"].join('; ');

/** Paths that everyone may read: the pages hold no secret, the calls that they make need a key where keys exist. [U-01] */
export function isDashboardPath(path: string): boolean {
  return path === '/' || path === '/ui' || path.startsWith(HOME);
}

/** The dashboard under `/ui/`: files by their names, and the document for every page of the application. [B-46 U-01 U-02] */
export function dashboardRoutes(app: Express, { site }: DashboardRoutesParts): void {
  app.get(HOME, (req, res) => (req.path === HOME ? answer(site, 'index.html', req, res) : redirect(res)));

  app.use((req, res, next) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return next();
    if (req.path === '/' && req.accepts(['json', 'html']) === 'html') return redirect(res);
    if (!req.path.startsWith(HOME)) return next();
    answer(site, req.path.slice(HOME.length), req, res);
  });
}

/** Temporary: what a browser keeps for ever would outlive any change of mind. */
function redirect(res: Response): void {
  res.redirect(302, HOME);
}

function answer(site: Site, name: string, req: Request, res: Response): void {
  const file = site.get(name) ?? pageOf(site, name, req);
  if (file === undefined) {
    const problem = site.size === 0 ? 'the dashboard was not built; run node scripts/build.mjs, then restart orchestratord' : `the dashboard has no file ${name.slice(0, 128)}; reload the page, it may be of another version`;
    throw new ApiError('NOT_FOUND', problem);
  }
  res.setHeader('Content-Security-Policy', POLICY);
  res.setHeader('Content-Type', file.contentType);
  res.setHeader('Cache-Control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  res.setHeader('ETag', file.etag);
  res.vary('Accept-Encoding');
  if (req.headers['if-none-match'] === file.etag) return void res.status(304).end();
  const gzipped = req.acceptsEncodings(['gzip', 'identity']) === 'gzip' ? file.gzipped : null;
  if (gzipped !== null) res.setHeader('Content-Encoding', 'gzip');
  res.end(gzipped ?? file.bytes);
}

/** A path without an extension that a browser goes to is a page; a missing script must not become one. */
function pageOf(site: Site, name: string, req: Request): SiteFile | undefined {
  const isFile = /\.[a-z0-9]+$/i.test(name) || name.startsWith('assets/');
  return !isFile && req.accepts(['json', 'html']) === 'html' ? site.get('index.html') : undefined;
}
