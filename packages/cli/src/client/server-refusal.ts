import { ERRORS, type ErrorEnvelope } from '@corral/contracts';
import { formatDuration } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { EXIT, type ExitCode } from '../exit-code.js';

/** The server answered and said no. Keeps the envelope, so that a caller can tell what heals by itself. */
export class ServerRefusal extends CliFailure {
  constructor(
    readonly envelope: ErrorEnvelope,
    correlationId: string | undefined,
  ) {
    super(envelope.message, { next: nextStepOf(envelope), exitCode: exitCodeFor(envelope), correlationId });
    this.name = 'ServerRefusal';
  }
}

/** Refused for who asks or by a policy: 4. Anything else that was answered: 1. */
function exitCodeFor({ code }: ErrorEnvelope): ExitCode {
  const { status } = ERRORS[code];
  const isRefused = status === 401 || status === 403 || status === 429 || code === 'UNTRUSTED_ARTIFACT';
  return isRefused ? EXIT.refused : EXIT.failed;
}

/** The server's hint, else what helps with that code. [J-06 J-08] */
function nextStepOf({ code, hint, retriable, retry_after_ms: retryAfterMs }: ErrorEnvelope): string {
  if (code === 'MISSING_TOKEN' || code === 'BAD_TOKEN') return 'give a key of this server, or its token, with --token or CORRAL_TOKEN';
  if (hint !== undefined) return hint;
  switch (code) {
    case 'NON_LOOPBACK_WITHOUT_TOKEN':
      return 'give the right token with --token or CORRAL_TOKEN';
    case 'CONTEXT_LENGTH_EXCEEDED':
      return 'shorten the text, lower --max-tokens, or raise the context of the model in the manifest';
    case 'POOL_UNREADY':
    case 'POOL_UNAVAILABLE':
    case 'NODE_UNAVAILABLE':
      return 'corral pools and corral nodes show what is there and why it cannot serve';
    case 'NOT_FOUND':
      return 'check the name: corral models ls, corral ps and corral pools show what there is';
    case 'INTERNAL':
      return 'look for the correlation id with corral logs --correlation';
    default:
      return retriable ? `ask again in ${formatDuration(retryAfterMs ?? 1_000)}` : 'correct the request; the message says what is wrong';
  }
}
