import type { GenerateRequest } from '@corral/contracts';
import type { Dialect } from './dialect.js';
import { openAiDialect } from './openai-dialect.js';
import { taskDialect } from './task-dialect.js';

/** The dialect that a request asks for. */
export function dialectOf(request: Pick<GenerateRequest, 'output' | 'annotations'>, fingerprint: string): Dialect {
  return request.output.dialect === 'task' ? taskDialect(request) : openAiDialect(request.output, fingerprint);
}
