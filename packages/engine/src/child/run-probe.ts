import { EngineError } from '../engine-error.js';
import type { ProbeAnswer } from './child-message.js';
import { forkChild, type ChildOptions } from './fork-child.js';
import { describeExit } from './judge-exit.js';

/**
 * Asks a disposable process one question. The process is gone when it settles.
 *
 * A process that dies over the question rejects with `kindOfDeath` and its last words; an abort rejects
 * with the signal's reason.
 */
export async function runProbe<Answer>(
  options: ChildOptions,
  question: object,
  { kindOfDeath, signal }: { readonly kindOfDeath: 'bad_model' | 'device_missing'; readonly signal?: AbortSignal | undefined },
): Promise<Answer> {
  signal?.throwIfAborted();
  const child = forkChild(options);
  const onAbort = () => void child.end(0);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const answer = new Promise<ProbeAnswer<Answer>>((resolve) => child.listen((message) => resolve(message as ProbeAnswer<Answer>)));
    child.send({ type: 'probe', question });
    const first = await Promise.race([answer, child.exited]);
    signal?.throwIfAborted();
    if (!('type' in first)) throw new EngineError(kindOfDeath, describeExit(first), first.lastWords);
    if (first.type === 'answer') return first.answer;
    await child.end(0);
    throw new EngineError(first.kind, first.message, (await child.exited).lastWords);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await child.end(0);
  }
}
