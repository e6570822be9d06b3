import { isApiError, toEnvelope } from '@corral/contracts';
import { isConnectionError, UnexpectedAnswer, type ConnectionError } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import { ServerRefusal } from './server-refusal.js';

const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'the name cannot be looked up',
  EHOSTUNREACH: 'no route to that machine',
  ENETUNREACH: 'no route to that network',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  REQUEST_TIMEOUT: 'no answer in time',
};

/** What went wrong with a call, as a failure that says the next step. The signal's own reason passes unchanged. */
export function failedCall(error: unknown, url: string, correlationId: string, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof CliFailure) return error;
  if (isApiError(error)) return new ServerRefusal(toEnvelope(error), correlationId);
  if (isConnectionError(error)) return unreachable(url, error);
  if (error instanceof UnexpectedAnswer) {
    return new CliFailure(`${url} answered ${error.status}, and not as a Corral server does`, {
      next: 'check the address given with --url or CORRAL_URL, and what stands between here and there',
    });
  }
  return new CliFailure(`the connection to ${url} broke (${codeOf(error)})`, {
    next: 'see whether the server still runs with corral status, then ask again',
    exitCode: EXIT.unreachable,
    correlationId,
  });
}

function unreachable(url: string, { causeCode }: ConnectionError): CliFailure {
  return new CliFailure(`cannot reach ${url} (${SAID[causeCode] ?? causeCode})`, {
    next: 'start it with scripts/up, or name another server with --url or CORRAL_URL',
    exitCode: EXIT.unreachable,
  });
}

function codeOf(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return String(code ?? message ?? error);
}
