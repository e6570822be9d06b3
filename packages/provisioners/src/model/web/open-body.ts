import { ProvisionError } from '../provision-error.js';
import type { FileFacts } from './file-facts.js';
import { Interruption, StartAnew } from './interruption.js';
import { judgeAnswer } from './judge-answer.js';
import type { AskedPart, Verdict } from './judge-answer.js';
import { discard } from './web-client.js';
import type { WebAnswer } from './web-client.js';
import type { WebFile, WebPorts } from './web-file.js';

/** An accepted answer: where its bytes belong, and the facts of the file where it is the whole of it. */
export interface OpenBody {
  readonly answer: WebAnswer;
  readonly facts: FileFacts | null;
  readonly start: number;
  /** Where its bytes end; `null` when the server did not say. */
  readonly end: number | null;
}

/** Asks for a file, or for a part of it, and accepts nothing else. Throws `Interruption`, `StartAnew` or `ProvisionError`. [D-51 D-52] */
export async function openBody(file: WebFile, asked: AskedPart | null, ports: WebPorts, signal: AbortSignal): Promise<OpenBody> {
  const headers: Readonly<Record<string, string>> = asked === null ? {} : { range: `bytes=${asked.range.start}-${asked.range.end - 1}`, 'if-range': asked.validator.value };
  const answer = await ports.client.send({ url: file.url, method: 'GET', headers, authorization: file.authorization, signal });
  const verdict = judgeAnswer(answer, asked, ports.clock.nowMs());
  if (verdict.kind === 'part') return { answer, facts: null, ...verdict.range };
  if (verdict.kind !== 'whole') {
    discard(answer);
    throw failureOf(verdict, file, answer.url.host);
  }
  const problem = problemOfWhole(verdict.facts, file, answer);
  if (problem === null) return { answer, facts: verdict.facts, start: 0, end: verdict.facts.sizeBytes };
  discard(answer);
  throw new ProvisionError('FETCH_FAILED', `${answer.url.host} ${problem}`);
}

function problemOfWhole({ sizeBytes }: FileFacts, file: WebFile, { header }: WebAnswer): string | null {
  if (sizeBytes === 0) return 'has an empty file there; correct the address';
  if (file.sizeBytes !== null && sizeBytes !== null && sizeBytes !== file.sizeBytes)
    return `has ${sizeBytes} bytes instead of the promised ${file.sizeBytes}; try again later`;
  // Such an answer ends when the connection does, and nobody can tell that from a cut.
  if (sizeBytes === null && !file.isVerified && header('transfer-encoding') === null)
    return 'does not tell where the file ends; give the model a digest, so that a file cut short is noticed';
  return null;
}

function failureOf(verdict: Exclude<Verdict, { kind: 'whole' | 'part' }>, file: WebFile, host: string): Error {
  switch (verdict.kind) {
    case 'changed':
      return new StartAnew('changed', `${host} ${verdict.reason}`);
    case 'ranges_ignored':
      return new StartAnew('ranges_ignored', `${host} sends no parts`);
    case 'try_later':
      return new Interruption(new ProvisionError('UNREACHABLE', `${host} ${verdict.reason}; try again later`), verdict.afterMs);
    case 'refused':
      return new ProvisionError(verdict.code, `${host} ${verdict.reason}; ${file.advice(verdict.code)}`);
  }
}
