import { TaskRequest, validator, type TaskAccepted } from '@corral/contracts';
import { body, newId } from '@corral/service-kit';
import { randomInt } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import { accessOf } from '../access/principal.js';
import { submitTask, type SubmitParts } from '../tasks/submit-task.js';
import { specOfTaskRequest } from '../tasks/task-dialect.js';
import { unknownTask, type TaskLogs } from '../tasks/task-logs.js';
import type { TaskLoop } from '../tasks/task-loop.js';
import { orgOf, taskCallerOf } from './caller.js';
import { openEventStream } from './event-stream.js';

export interface TaskRoutesParts extends SubmitParts {
  readonly loop: TaskLoop;
  readonly logs: TaskLogs;
}

const isTaskRequest = validator(TaskRequest);
const SEEDS = 2 ** 32;

/** `/v2/tasks`: create, read, cancel. [B-20 B-21 B-22] */
export function taskRoutes(app: Express, parts: TaskRoutesParts): void {
  app.post('/v2/tasks', (req, res) => {
    const accepted = create(parts, req);
    res.status(202).json(accepted);
  });

  app.get('/v2/tasks/:task_id/events', (req, res) => {
    const { task_id: taskId } = req.params;
    const orgId = orgOf(req);
    if (!parts.logs.has(taskId, orgId)) throw unknownTask(taskId);
    read(parts, req, res, { taskId, orgId });
  });

  app.post('/v2/tasks/:task_id/cancel', (req, res) => {
    const { task_id: taskId } = req.params;
    const known = parts.logs.has(taskId, orgOf(req));
    const running = parts.loop.cancelFor(orgOf(req), taskId);
    if (!known && !running) throw unknownTask(taskId);
    res.status(204).end();
  });
}

function create(parts: TaskRoutesParts, req: Request): TaskAccepted {
  accessOf(req).charge();
  const spec = specOfTaskRequest(body(isTaskRequest, req), { taskId: newId(), seed: randomInt(SEEDS) });
  const caller = taskCallerOf(req);
  const { orgId, correlationId } = caller;
  const known = parts.logs.accepted(spec.taskId, orgId);
  if (known !== null) return known;
  let opened = false;
  try {
    const admitted = submitTask(parts, spec, caller, () => {
      opened = true;
      return parts.logs.open(spec.taskId, orgId);
    });
    const sse = `/v2/tasks/${spec.taskId}/events`;
    const accepted: TaskAccepted = {
      task_id: spec.taskId,
      correlation_id: correlationId,
      queue_position: admitted.queuePosition,
      predicted_start_ms: admitted.predictedStartMs,
      backoff_ms: null,
      streams: { sse, sse_verbose: `${sse}?verbose=true` },
      preparation: { steps: [...admitted.residency.steps] },
    };
    parts.logs.accept(spec.taskId, accepted);
    return accepted;
  } catch (error) {
    if (opened) parts.logs.discard(spec.taskId);
    throw error;
  }
}

function read(parts: TaskRoutesParts, req: Request, res: Response, task: { readonly taskId: string; readonly orgId: string }): void {
  const stream = openEventStream(res);
  const attached = parts.logs.attach(task.taskId, task.orgId, stream, req.query['verbose'] === 'true');
  stream.onDrain(() => attached.resume());
  stream.onClose(() => attached.detach());
}
