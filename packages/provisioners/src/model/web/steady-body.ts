import { formatBytes, formatDuration } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import { ProvisionError } from '../provision-error.js';
import { explainNetwork } from './explain-network.js';
import { Interruption } from './interruption.js';
import { Pace } from './pace.js';
import type { PaceLimits, PaceProblem } from './pace.js';
import { discard } from './web-client.js';
import type { WebAnswer } from './web-client.js';

const LOOKS_PER_IDLE = 4;

/**
 * The bytes of an answer as they come. Throws `Interruption` when the connection breaks, or brings too little;
 * leaving early ends the connection.
 */
export async function* steadyBody(answer: WebAnswer, limits: PaceLimits, clock: Clock): AsyncGenerator<Uint8Array> {
  const pace = new Pace(limits);
  const ended = new AbortController();
  const watching = watch();
  try {
    const pieces = answer.body[Symbol.asyncIterator]();
    for (;;) {
      pace.waiting(clock.monotonicMs());
      const { done, value } = (await pieces.next()) as IteratorResult<Uint8Array, unknown>;
      if (done === true) return;
      pace.received(clock.monotonicMs(), value.length);
      yield value;
    }
  } catch (error) {
    throw error instanceof Interruption ? error : explainNetwork(error, answer.url.host);
  } finally {
    ended.abort();
    discard(answer);
    await watching;
  }

  async function watch(): Promise<void> {
    while (!ended.signal.aborted) {
      await clock.sleep(limits.idleMs / LOOKS_PER_IDLE, ended.signal).catch(() => undefined);
      const problem = ended.signal.aborted ? null : pace.problem(clock.monotonicMs());
      if (problem !== null) answer.body.destroy(new Interruption(tooSlow(problem, answer.url.host), null, problem.kind === 'slow'));
    }
  }
}

function tooSlow(problem: PaceProblem, host: string): ProvisionError {
  const what =
    problem.kind === 'idle'
      ? `brought nothing for ${formatDuration(problem.ms)}`
      : `brings only ${formatBytes(Math.round(problem.bytesPerS))} a second`;
  return new ProvisionError('UNREACHABLE', `${host} ${what}; check the network, or try again later`);
}
