import { Type } from '@sinclair/typebox';
import { ApiError, CorrelationId, FAILURE_TRAILER, Id, USAGE_TRAILER, validator } from '@corral/contracts';
import { body, rawBody, responseSink } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import type { Express } from 'express';
import type { TaskRelay } from '../replicas/task-relay.js';

export interface TaskRoutesParts {
  readonly tasks: TaskRelay;
  readonly clock: Clock;
}

/** The rest of a GenerateRequest is for the worker, which checks it whole. */
const taskHead = validator(Type.Object({ task_id: Id, replica_id: Id, correlation_id: CorrelationId }));

/** Dispatch to a replica with the answer's bytes back, and its cancel. */
export function taskRoutes(app: Express, { tasks, clock }: TaskRoutesParts): void {
  app.post('/v2/pools/:pool_id/tasks', async (req, res) => {
    const head = body(taskHead, req);
    const gone = new AbortController();
    res.once('close', () => gone.abort(new Error('the caller has gone')));
    const outcome = await tasks.run({
      poolId: req.params.pool_id,
      taskId: head.task_id,
      replicaId: head.replica_id,
      correlationId: head.correlation_id,
      body: rawBody(req),
      gone: gone.signal,
      open: (headers) => responseSink(res, { head: { status: 200, headers }, trailers: [USAGE_TRAILER, FAILURE_TRAILER], clock }),
    });
    if (outcome.kind === 'ended') return;
    if (outcome.kind === 'refused') res.writeHead(outcome.status, outcome.headers).end(outcome.body);
    else res.destroy();
  });
  app.post('/v2/pools/:pool_id/tasks/:task_id/cancel', (req, res) => {
    const { pool_id: poolId, task_id: taskId } = req.params;
    if (!tasks.cancel(poolId, taskId)) throw new ApiError('NOT_FOUND', `pool ${poolId} never had a task ${taskId}; check the id`);
    res.status(204).end();
  });
}
