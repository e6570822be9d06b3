import { call } from '../served.js';

export interface Streamed {
  readonly status: number;
  /** Text of all chunks. */
  readonly text: string;
  /** Those that carry text. */
  readonly chunks: number;
  /** The code of the error that ended the stream; `null` where there was none. */
  readonly errorCode: string | null;
  readonly isDone: boolean;
  /** The connection broke off. */
  readonly isBroken: boolean;
}

interface Chunk {
  readonly choices?: readonly { readonly text?: string }[];
  readonly error?: { readonly code: string };
}

/** A streamed `/v1/completions`, read to its end; `onChunk` is told how many chunks have come. */
export async function streamed(url: string, body: object, onChunk: (chunks: number) => void | Promise<void> = () => undefined): Promise<Streamed> {
  const response = await fetch(new URL('/v1/completions', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ stream: true, ...body }) });
  const answer = { status: response.status, text: '', chunks: 0, errorCode: null as string | null, isDone: false, isBroken: false };
  const take = async (frame: string): Promise<void> => {
    const data = frame.startsWith('data: ') ? frame.slice('data: '.length) : frame;
    if (data === '[DONE]') return void (answer.isDone = true);
    const { choices, error } = JSON.parse(data) as Chunk;
    if (error !== undefined) return void (answer.errorCode = error.code);
    const text = choices?.[0]?.text ?? '';
    // The last chunk says how it ended and carries no text.
    if (text === '') return;
    answer.text += text;
    answer.chunks += 1;
    await onChunk(answer.chunks);
  };
  let rest = '';
  try {
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const frames = (rest + piece).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) await take(frame);
    }
  } catch {
    answer.isBroken = true;
  }
  if (rest !== '' && !answer.isBroken) await take(rest);
  return answer;
}

/** The text of a whole `/v1/completions`; throws the refusal where there is one. */
export async function completed(url: string, body: object): Promise<string> {
  const answer = await call(url, 'POST', '/v1/completions', body);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return (answer.body['choices'] as readonly { readonly text: string }[])[0]?.text ?? '';
}
