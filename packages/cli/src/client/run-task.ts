import { TaskAccepted, validator, type EndFrame, type MetricsFrame, type TaskRequest } from '@corral/contracts';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import type { CorralClient } from './corral-client.js';
import { ServerRefusal } from './server-refusal.js';

export interface TaskListener {
  /** Text of the answer as it comes; never empty. */
  onText(text: string): void;
  /** Where the task stands while it waits. */
  onProgress(frame: MetricsFrame): void;
}

export interface TaskAnswer {
  readonly taskId: string;
  readonly text: string;
  readonly end: EndFrame;
}

const CANCEL_TIMEOUT_MS = 1_500;
const checkAccepted = validator(TaskAccepted);

/**
 * Runs one task to its end.
 *
 * Aborting `signal` cancels it on the server and rejects with the signal's reason. A refusal, before the stream
 * or in it, rejects with {@link ServerRefusal}; a stream that breaks off with exit code 3.
 */
export async function runTask(
  client: CorralClient,
  request: TaskRequest,
  listener: TaskListener,
  signal: AbortSignal,
): Promise<TaskAnswer> {
  const accepted = await client.post('/v2/tasks', request, checkAccepted, { signal });
  if (accepted.preparation.steps.length > 0) listener.onProgress({ prep: accepted.preparation.steps });
  try {
    return await follow(client, accepted, listener, signal);
  } catch (error) {
    if (signal.aborted) await cancelTask(client, accepted.task_id).catch(() => {});
    throw error;
  }
}

/** Asks the server to stop a task, wherever it is. */
export function cancelTask(client: CorralClient, taskId: string): Promise<void> {
  return client.postBare(`/v2/tasks/${encodeURIComponent(taskId)}/cancel`, { timeoutMs: CANCEL_TIMEOUT_MS });
}

async function follow(client: CorralClient, accepted: TaskAccepted, listener: TaskListener, signal: AbortSignal): Promise<TaskAnswer> {
  const pieces: string[] = [];
  for await (const frame of client.frames(accepted.streams.sse_verbose, signal)) {
    switch (frame.type) {
      case 'started':
        break;
      case 'token':
        if (frame.t === '') break;
        pieces.push(frame.t);
        listener.onText(frame.t);
        break;
      case 'metrics':
        listener.onProgress(frame);
        break;
      case 'error': {
        const { type: _, ...envelope } = frame;
        throw new ServerRefusal(envelope, accepted.correlation_id);
      }
      case 'end': {
        const { type: _, ...end } = frame;
        return { taskId: accepted.task_id, text: pieces.join(''), end };
      }
    }
  }
  throw new CliFailure('the answer broke off: the server closed the stream', {
    next: 'see whether it still runs with corral status, then ask again',
    exitCode: EXIT.unreachable,
    correlationId: accepted.correlation_id,
  });
}
