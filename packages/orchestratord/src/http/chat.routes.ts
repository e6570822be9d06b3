import { ApiError, HeaderChatRequest, Id, InstanceChatRequest, validator } from '@corral/contracts';
import { body, newId } from '@corral/service-kit';
import { randomInt } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import { accessOf, requireOrg } from '../access/principal.js';
import type { Instances } from '../instances/instances.js';
import { taskShape } from '../tasks/answer-shape.js';
import { ResponseOutput, type ResponseOutputOptions } from '../tasks/response-output.js';
import { submitTask, type SubmitParts } from '../tasks/submit-task.js';
import { specOfInstanceChat } from '../tasks/task-dialect.js';
import { taskCallerOf } from './caller.js';

export interface ChatRoutesParts extends SubmitParts {
  readonly instances: Pick<Instances, 'known'>;
  readonly answers: Omit<ResponseOutputOptions, 'shape' | 'stream' | 'routeHeader'>;
}

interface Chat {
  readonly orgId: string;
  readonly instanceId: string;
  readonly message: string;
  readonly stream: boolean;
}

const chatRequest = validator(InstanceChatRequest);
const headerChatRequest = validator(HeaderChatRequest);
const isId = validator(Id);
const SEEDS = 2 ** 32;

/** Chat with an instance: one message, answered as a stream of frames or in one piece. [B-117 B-118 G-44] */
export function chatRoutes(app: Express, parts: ChatRoutesParts): void {
  app.post('/api/orgs/:org_id/chat/completion', async (req, res) => {
    const { org_id: orgId } = req.params;
    requireOrg(req, orgId, 'member');
    const { instance_id: instanceId, message, stream = true } = body(chatRequest, req);
    await answer(parts, req, res, { orgId, instanceId, message, stream });
  });

  app.post('/api/chat/completion', async (req, res) => {
    const [orgId, instanceId] = [idHeader(req, 'X-ORG-ID'), idHeader(req, 'X-INSTANCE-ID')];
    requireOrg(req, orgId, 'member');
    const { message, stream = true } = body(headerChatRequest, req);
    await answer(parts, req, res, { orgId, instanceId, message, stream });
  });
}

async function answer(parts: ChatRoutesParts, req: Request, res: Response, { orgId, instanceId, message, stream }: Chat): Promise<void> {
  accessOf(req).charge();
  await parts.instances.known({ orgId, instanceId });
  const spec = specOfInstanceChat({ modelRef: `${orgId}/${instanceId}`, message, stream }, { taskId: newId(), seed: randomInt(SEEDS) });
  submitTask(parts, spec, taskCallerOf(req), () => new ResponseOutput(res, { ...parts.answers, shape: taskShape(), stream, routeHeader: null }));
}

function idHeader(req: Request, name: string): string {
  const value = req.get(name);
  if (value === undefined || value === '') throw new ApiError('INVALID_PARAMS', `the header ${name} is missing; send it, or name both in POST /api/orgs/{org_id}/chat/completion`, { field: name });
  const checked = isId(value);
  if (checked.ok) return checked.value;
  throw new ApiError('INVALID_PARAMS', `the header ${name} is no id; an id is letters, digits and . _ - after a letter or digit`, { field: name });
}
