import { ApiError, type GenerateRequest, type GenerateUsage } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import { DeadlineWatch } from './deadlines.js';
import type { Reply } from './reply.js';
import { StopMatcher } from './stop-matcher.js';
import type { TextRun } from './text-model.js';

/** Why a generation must end before its time: the client left, or what it is to be told. */
export class Halt {
  readonly #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isSet(): boolean {
    return this.#controller.signal.aborted;
  }

  set(reason: ApiError | 'client left'): void {
    this.#controller.abort(reason);
  }
}

export interface GenerationInput {
  readonly run: TextRun;
  readonly request: GenerateRequest;
  readonly promptTokens: number;
  readonly budgetTokens: number;
  readonly reply: Reply;
  readonly watch: DeadlineWatch;
  readonly halt: Halt;
  readonly startedMs: number;
  readonly clock: Clock;
}

/**
 * Runs one generation to its end and writes it. One frame per sampled token; the token that ends the
 * answer has a frame only when it sets held-back text free.
 *
 * Between two tokens nothing is awaited but the engine, unless the client does not read.
 */
export async function generate(input: GenerationInput): Promise<void> {
  const { run, request, budgetTokens, reply, watch, halt, clock, startedMs } = input;
  const matcher = new StopMatcher(request.sampling.stop);
  let tokensOut = 0;
  let firstTokenMs: number | null = null;
  let finish: GenerateUsage['finish_reason'] | null = null;

  await run.prefill(() => halt.isSet);
  while (finish === null && !halt.isSet) {
    const piece = await run.next();
    if (halt.isSet) break;
    firstTokenMs ??= clock.monotonicMs();
    watch.tokenSeen();
    finish = emit(piece);
    if (finish === null && reply.isFull) await waitForClient();
  }
  if (finish === null || firstTokenMs === null) return;

  reply.end({
    tokens_in: input.promptTokens,
    tokens_cached: run.cachedTokens,
    tokens_out: tokensOut,
    first_token_ms: Math.round(firstTokenMs - startedMs),
    decode_time_ms: Math.round(clock.monotonicMs() - firstTokenMs),
    finish_reason: finish,
  });

  function emit(piece: string | null): GenerateUsage['finish_reason'] | null {
    if (piece === null) {
      const held = matcher.flush();
      if (held !== '') reply.token(held, tokensOut++);
      return 'stop';
    }
    const { text, stopped } = matcher.push(piece);
    const isLast = tokensOut + 1 >= budgetTokens;
    reply.token(isLast && !stopped ? text + matcher.flush() : text, tokensOut++);
    if (stopped) return 'stop';
    return isLast ? 'length' : null;
  }

  async function waitForClient(): Promise<void> {
    watch.rest(true);
    await run.rest(reply.drained(clock));
    watch.rest(false);
    if (reply.isOver) halt.set('client left');
  }
}
