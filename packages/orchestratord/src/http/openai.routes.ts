import { ApiError, ChatCompletionRequest, CompletionRequest, validator, type OpenAiModelList } from '@corral/contracts';
import { body, lenientBody, newId } from '@corral/service-kit';
import { randomInt } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import { mayUse } from '../access/allowed-models.js';
import { accessOf } from '../access/principal.js';
import type { ServedName } from '../manifest/model-directory.js';
import { openAiShape } from '../tasks/answer-shape.js';
import { refuseUnsupported, specOfChatCompletion, specOfCompletion } from '../tasks/openai-dialect.js';
import { ResponseOutput } from '../tasks/response-output.js';
import { submitTask, type SubmitParts } from '../tasks/submit-task.js';
import type { SpecIds } from '../tasks/task-dialect.js';
import type { NewTask } from '../tasks/task-loop-parts.js';
import type { TaskSpec } from '../tasks/task-spec.js';
import { taskCallerOf } from './caller.js';

export interface OpenAiRoutesParts extends SubmitParts {
  served(orgId: string): readonly ServedName[];
  /** What `created` says of every name: when this daemon began to serve, Unix seconds. */
  readonly servedSinceS: number;
  readonly answers: { readonly bufferMaxBytes: number; readonly stallMs: number; readonly cancelOnDisconnect: boolean; onStalled(): void };
}

const isChat = validator(ChatCompletionRequest);
const isCompletion = validator(CompletionRequest);
const anything = (value: unknown) => ({ ok: true, value }) as const;
const SEEDS = 2 ** 32;

/** `/v1`: what clients of OpenAI speak. [B-47] */
export function openAiRoutes(app: Express, parts: OpenAiRoutesParts): void {
  app.post('/v1/chat/completions', (req, res) => answer(parts, req, res, (ids) => read(req, res, isChat, (body) => specOfChatCompletion(body, ids))));
  app.post('/v1/completions', (req, res) => answer(parts, req, res, (ids) => read(req, res, isCompletion, (body) => specOfCompletion(body, ids))));

  app.get('/v1/models', (req, res) => {
    const list: OpenAiModelList = { object: 'list', data: servedTo(parts, req).map((name) => modelOf(name, parts.servedSinceS)) };
    res.json(list);
  });

  app.get('/v1/models/*model_id', (req, res) => {
    const id = [req.params.model_id].flat().join('/');
    const served = servedTo(parts, req).find((name) => name.id === id);
    if (served === undefined) throw new ApiError('NOT_FOUND', `no model or route is called ${id}; GET /v1/models lists them`, { field: 'model' });
    res.json(modelOf(served, parts.servedSinceS));
  });
}

/** What the caller may send as `model`. [B-138] */
function servedTo(parts: OpenAiRoutesParts, req: Request): readonly ServedName[] {
  const { principal, allowedModels } = accessOf(req);
  return parts.served(principal.orgId).filter((name) => mayUse(allowedModels, { ...name, orgId: principal.orgId }));
}

function modelOf({ id, ownedBy }: ServedName, createdS: number): OpenAiModelList['data'][number] {
  return { id, object: 'model', created: createdS, owned_by: ownedBy };
}

/** Fields that we do not know are set aside and named, unless they would change the answer. */
function read<T>(req: Request, res: Response, check: Parameters<typeof lenientBody<T>>[0], toSpec: (body: T) => TaskSpec): TaskSpec {
  refuseUnsupported(body(anything, req));
  const { value, ignored } = lenientBody(check, req);
  if (ignored.length > 0) res.setHeader('X-Corral-Ignored', ignored.map((name) => encodeURIComponent(name)).join(', '));
  return toSpec(value);
}

function answer(parts: OpenAiRoutesParts, req: Request, res: Response, toSpec: (ids: SpecIds) => TaskSpec): void {
  accessOf(req).charge();
  const spec = toSpec({ taskId: newId(), seed: randomInt(SEEDS) });
  const outputOf = (target: NewTask['target']) =>
    new ResponseOutput(res, {
      ...parts.answers,
      shape: openAiShape(),
      stream: spec.output.stream,
      routeHeader: target.route,
    });
  submitTask(parts, spec, taskCallerOf(req), outputOf);
}
