import type { MetricsFrame, PoolStatus, TaskRequest } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { CliFailure } from '../cli-failure.js';
import type { CorralClient } from '../client/corral-client.js';
import { runTask } from '../client/run-task.js';
import { firstModel } from '../client/served-models.js';
import { fetchPools } from '../commands/pools.js';
import type { ProgressReporter } from '../render/progress-reporter.js';
import { progressView, type ProgressView } from '../render/progress-view.js';
import { ASK_LIMITS, judgeAsk } from './judge-ask.js';
import { someSettled, waitForPools } from './wait-for-pools.js';

export interface Question {
  readonly text: string;
  /** Writes the answer to standard output as it comes. */
  readonly isStreamed: boolean;
  readonly signal: AbortSignal;
}

/** Enough for an answer, and an end for a small model that does not find one. */
const MAX_TOKENS = 256;
const POOLS_TIMEOUT_MS = 2_000;

/**
 * Asks until there is an answer: a model that is still fetched or loaded is waited for, with progress, for as long as that moves.
 * Rejects with what will not heal, or with the signal's reason.
 */
export async function askUntilAnswered(
  context: CliContext,
  client: CorralClient,
  progress: ProgressReporter,
  question: Question,
): Promise<string> {
  const { clock, out } = context;
  const startMs = clock.monotonicMs();
  let movedMs = startMs;
  let lastView: ProgressView | undefined;
  let shown = '';
  const moveTo = (view: ProgressView): void => {
    if (view.label !== lastView?.label || view.doneBytes !== lastView.doneBytes) movedMs = clock.monotonicMs();
    lastView = view;
    progress.show(view);
  };
  const listener = {
    onText: (text: string) => {
      progress.clear();
      if (question.isStreamed) out.write(text);
      shown += text;
    },
    onProgress: (frame: MetricsFrame) => {
      const view = progressView(frame);
      if (view !== undefined && shown === '') moveTo(view);
    },
  };
  try {
    await untilSettled(clock, client, progress, question.signal);
    for (let tries = 1; ; tries += 1) {
      try {
        return (await runTask(client, await requestFor(client, question), listener, question.signal)).text;
      } catch (error) {
        if (question.signal.aborted) throw question.signal.reason;
        const pools = await fetchPools(client, { timeoutMs: POOLS_TIMEOUT_MS, signal: question.signal }).catch(() => []);
        const nowMs = clock.monotonicMs();
        const verdict = judgeAsk(error, { hasText: shown !== '', tries, stillMs: nowMs - movedMs, askedMs: nowMs - startMs, pools });
        if (verdict.kind === 'give_up') throw withNext(error, verdict.next);
        progress.show({ label: (error as Error).message, doneBytes: null, totalBytes: null });
        await clock.sleep(verdict.waitMs, question.signal);
      }
    }
  } finally {
    progress.clear();
    if (question.isStreamed && shown !== '' && !shown.endsWith('\n')) out.write('\n');
  }
}

function withNext(error: unknown, next: string | undefined): unknown {
  if (next === undefined || !(error instanceof CliFailure)) return error;
  return new CliFailure(error.message, { next, exitCode: error.exitCode, correlationId: error.correlationId }, { cause: error });
}

/** Spares the node that still starts a question that it would refuse. A server that does not answer is judged by the question. */
async function untilSettled(
  clock: CliContext['clock'],
  client: CorralClient,
  progress: ProgressReporter,
  signal: AbortSignal,
): Promise<void> {
  const isEnough = (pools: readonly PoolStatus[]): boolean => {
    const isSettled = someSettled(pools);
    if (!isSettled) progress.show({ label: 'waiting for a pool', doneBytes: null, totalBytes: null });
    return isSettled;
  };
  await waitForPools(client, { clock, withinMs: ASK_LIMITS.startMs, signal, isEnough }).catch(() => {});
}

async function requestFor(client: CorralClient, { text, signal }: Question): Promise<TaskRequest> {
  return {
    model_ref: await firstModel(client, { signal }),
    messages: [{ role: 'user', content: text }],
    max_tokens: MAX_TOKENS,
    temperature: 0,
  };
}
