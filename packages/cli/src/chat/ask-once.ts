import type { TaskRequest } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import type { CorralClient } from '../client/corral-client.js';
import { runTask, type TaskAnswer } from '../client/run-task.js';
import { createProgressReporter } from '../render/progress-reporter.js';
import { progressView } from '../render/progress-view.js';

export interface AskOptions {
  readonly request: TaskRequest;
  /** Writes the text as it comes; without it nothing goes to standard output. */
  readonly isStreamed: boolean;
  readonly signal: AbortSignal;
  /** Told every piece, also of an answer that does not end. */
  readonly onText?: (text: string) => void;
}

/** One answer: progress on standard error, the text on standard output, ended by a newline however it ends. */
export async function askOnce(
  { out, err, clock }: CliContext,
  client: CorralClient,
  { request, isStreamed, signal, onText }: AskOptions,
): Promise<TaskAnswer> {
  const progress = createProgressReporter(err, clock);
  let last = '\n';
  const listener = {
    onText: (text: string) => {
      progress.clear();
      if (isStreamed) out.write(text);
      last = text;
      onText?.(text);
    },
    onProgress: (frame: Parameters<typeof progressView>[0]) => {
      const view = progressView(frame);
      if (view !== undefined && last === '\n') progress.show(view);
    },
  };
  try {
    return await runTask(client, request, listener, signal);
  } finally {
    progress.clear();
    if (isStreamed && !last.endsWith('\n')) out.write('\n');
  }
}
