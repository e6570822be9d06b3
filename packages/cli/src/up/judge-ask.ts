import type { PoolStatus } from '@corral/contracts';
import { ServerRefusal } from '../client/server-refusal.js';
import { EXIT } from '../exit-code.js';
import { CliFailure } from '../cli-failure.js';

/** What is known when a question was not answered. */
export interface AskState {
  /** Part of the answer was already shown: asking again would show it twice. */
  readonly hasText: boolean;
  /** How often it was asked. */
  readonly tries: number;
  /** Since the wait last moved: bytes came, another step began. */
  readonly stillMs: number;
  /** Since it was first asked. */
  readonly askedMs: number;
  /** What the server says of its pools; empty where it could not be asked. */
  readonly pools: readonly PoolStatus[];
}

/** `next` is a better step than the server could know. */
export type AskVerdict = { readonly kind: 'give_up'; readonly next?: string } | { readonly kind: 'again'; readonly waitMs: number };

/** Limits of the wait for an answer, milliseconds. */
export const ASK_LIMITS = {
  /** A load that does not move for so long is given up. */
  stillMs: 10 * 60_000,
  /** A node that does not come up. */
  startMs: 60_000,
  /** A pool that names its problem and does not get over it. */
  troubleMs: 15_000,
  /** A server that does not answer: it may be on its way back. */
  unreachableMs: 45_000,
  tries: 4,
} as const;

const GIVE_UP: AskVerdict = { kind: 'give_up' };

/** Whether an unanswered question is worth asking again, and when. A load that goes on is; a missing device is not. [J-06] */
export function judgeAsk(error: unknown, state: AskState): AskVerdict {
  if (state.hasText || !(error instanceof CliFailure)) return GIVE_UP;
  if (!(error instanceof ServerRefusal))
    return error.exitCode === EXIT.unreachable && state.stillMs < ASK_LIMITS.unreachableMs ? again(500) : GIVE_UP;
  const { code, retriable, retry_after_ms: retryAfterMs } = error.envelope;
  switch (code) {
    case 'LOAD_TIMEOUT':
      return state.stillMs < ASK_LIMITS.stillMs ? again(250) : GIVE_UP;
    case 'POOL_UNREADY':
    case 'NODE_UNAVAILABLE':
      return judgeUnready(state);
    case 'MODEL_NOT_AVAILABLE':
    case 'POOL_UNAVAILABLE':
      return GIVE_UP;
    default:
      return retriable && state.tries < ASK_LIMITS.tries ? again(Math.min(retryAfterMs ?? 1_000, 10_000)) : GIVE_UP;
  }
}

/** Pools without a device never become ready; one with a problem gets a little time, one that only starts gets more. */
function judgeUnready({ pools, askedMs }: AskState): AskVerdict {
  const isWithoutDevice = pools.length > 0 && pools.every((pool) => !pool.ready && pool.device === 'none');
  if (isWithoutDevice) return { kind: 'give_up', next: 'start again with --allow-cpu to serve from the CPU' };
  const isInTrouble = pools.length > 0 && pools.every((pool) => !pool.ready && pool.last_error !== null);
  return askedMs < (isInTrouble ? ASK_LIMITS.troubleMs : ASK_LIMITS.startMs) ? again(500) : GIVE_UP;
}

function again(waitMs: number): AskVerdict {
  return { kind: 'again', waitMs };
}
