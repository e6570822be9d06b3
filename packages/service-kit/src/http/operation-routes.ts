import { ApiError, type Operation } from '@corral/contracts';
import type { Express, Request, Response } from 'express';
import type { Operations } from '../operations.js';

const PAGE = 100;
const PAGE_MAX = 1_000;

/** What goes on in this daemon: all of it, and one. [B-104] */
export function operationRoutes(app: Express, operations: Operations): void {
  app.get('/v2/operations', (req, res) => {
    const all = operations.list();
    const cursor = req.query['cursor'];
    const from = cursor === undefined ? 0 : all.findIndex(({ operation_id }) => operation_id === cursor) + 1;
    if (cursor !== undefined && from === 0) throw new ApiError('INVALID_PARAMS', 'cursor names no operation that is kept; begin again without it', { field: 'cursor' });
    const data = all.slice(from, from + limitOf(req));
    res.json({ data, next_cursor: from + data.length < all.length ? (data.at(-1)?.operation_id ?? null) : null });
  });

  app.get('/v2/operations/:operation_id', (req, res) => {
    const operation = operations.get(req.params.operation_id);
    if (operation === undefined) throw unknownOperation(req.params.operation_id);
    res.json(operation);
  });
}

/**
 * Answers the call that began an operation: 202 with it, or with `?wait=true` once it has ended, 200 with it or the
 * status and body of its error. A caller that goes away ends its wait, not the operation. [G-11 B-104]
 */
export async function sendOperation(req: Pick<Request, 'query'>, res: Response, operations: Operations, operation: Operation): Promise<void> {
  res.setHeader('Location', `/v2/operations/${operation.operation_id}`);
  if (!wantsToWait(req)) return void res.status(202).json(operation);
  const gone = new AbortController();
  res.once('close', () => gone.abort(new Error('the caller has gone')));
  const ended = await operations.ended(operation.operation_id, gone.signal).catch(() => null);
  if (ended === null) return;
  if (ended === undefined) throw unknownOperation(operation.operation_id);
  if (ended.error === null) return void res.json(ended);
  throw operationError(ended.error);
}

/** Whether `?wait=true` was asked for. Throws INVALID_PARAMS for anything that is neither yes nor no; call it before the work is begun. */
export function wantsToWait(req: Pick<Request, 'query'>): boolean {
  const wait = req.query['wait'];
  if (wait === undefined || wait === 'false') return false;
  if (wait === 'true') return true;
  throw new ApiError('INVALID_PARAMS', 'wait is neither true nor false', { field: 'wait' });
}

/** The error of an operation as what was thrown where it failed. */
export function operationError({ code, message, ...rest }: NonNullable<Operation['error']>): ApiError {
  const details = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'retriable'));
  return new ApiError(code, message, details);
}

function limitOf(req: Pick<Request, 'query'>): number {
  const text = req.query['limit'];
  if (text === undefined) return PAGE;
  const limit = typeof text === 'string' && /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > PAGE_MAX) throw new ApiError('INVALID_PARAMS', `limit is not a number from 1 to ${PAGE_MAX}`, { field: 'limit' });
  return limit;
}

function unknownOperation(operationId: string): ApiError {
  return new ApiError('NOT_FOUND', `operation ${operationId.slice(0, 128)} not found; operations do not survive a restart of their daemon, and old ones are forgotten: look at what it was to change`);
}
