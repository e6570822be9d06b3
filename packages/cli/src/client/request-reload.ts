import { isApiError, ReloadFailure, ReloadSucceeded, toEnvelope, validator, type ReloadRequest } from '@corral/contracts';
import { answerError, connectionError, CORRELATION_HEADER, createHttpClient, formatDuration, isConnectionError, newId, signatureHeader, UnexpectedAnswer } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import { failedCall } from './failed-call.js';

/** What opens `POST /admin/reload`. */
export type ReloadCredential = { readonly kind: 'key'; readonly key: string } | { readonly kind: 'hmac'; readonly secret: string };

export interface ReloadCall {
  readonly url: string;
  readonly credential: ReloadCredential;
  readonly request: ReloadRequest;
  readonly timeoutMs: number;
  readonly nowMs: number;
}

const PATH = '/admin/reload';
const isSucceeded = validator(ReloadSucceeded);
const isFailure = validator(ReloadFailure);

/** Asks for a reload, once. Resolves with either end of it; rejects with a {@link CliFailure} when there was none. [F-12 F-13] */
export async function requestReload(call: ReloadCall): Promise<ReloadSucceeded | ReloadFailure> {
  const { url, timeoutMs } = call;
  const correlationId = newId();
  const http = createHttpClient({ baseUrl: url, connections: 1 });
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const path = `${new URL(url).pathname.replace(/\/$/, '')}${PATH}`;
    const body = JSON.stringify(call.request);
    const answer = await http.pool.request({
      method: 'POST',
      path,
      headers: { ...http.headers(), 'content-type': 'application/json', [CORRELATION_HEADER.toLowerCase()]: correlationId, authorization: authorizationOf(call, body) },
      body,
      signal: limit,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return endOf(http.peer, answer.statusCode, await answer.body.text());
  } catch (error) {
    if (limit.aborted) throw late(timeoutMs, correlationId);
    if (isApiError(error) && (error.code === 'MISSING_TOKEN' || error.code === 'BAD_TOKEN')) throw refused(error, correlationId);
    throw failedCall(isConnectionError(error) || isApiError(error) || error instanceof UnexpectedAnswer ? error : connectionError(http.peer, error), url, correlationId);
  } finally {
    await http.close();
  }
}

function authorizationOf({ credential, nowMs }: ReloadCall, body: string): string {
  if (credential.kind === 'key') return `Bearer ${credential.key}`;
  return signatureHeader({ method: 'POST', path: PATH, body: Buffer.from(body) }, credential.secret, nowMs);
}

function endOf(peer: string, status: number, text: string): ReloadSucceeded | ReloadFailure {
  const answered = parsed(text);
  const ends = [isSucceeded(answered), isFailure(answered)];
  const end = ends.find((one) => one.ok);
  if (end?.ok === true) return end.value;
  throw answerError(peer, status, text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function refused(error: unknown, correlationId: string): CliFailure {
  const { message, hint } = toEnvelope(error);
  return new CliFailure(message, { next: hint, exitCode: EXIT.refused, correlationId });
}

function late(timeoutMs: number, correlationId: string): CliFailure {
  return new CliFailure(`no answer within ${formatDuration(timeoutMs)}; the reload may go on`, { next: 'corral events --since 0 shows how it ended; --timeout waits longer', correlationId });
}
