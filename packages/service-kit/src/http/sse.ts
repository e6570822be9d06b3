/** Head of every event stream. [B-65] */
export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache',
  Connection: 'keep-alive',
  'X-Accel-Buffering': 'no',
} as const;

/** A comment: keeps proxies from closing a quiet stream, and clients ignore it. [B-65] */
export const SSE_HEARTBEAT = ': keep-alive\n\n';

export interface SseEvent {
  /** `message` when the stream names none. */
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

const LONGEST_EVENT = 16 * 1_048_576;

/**
 * Takes the bytes of an event stream in any pieces and gives its events: CR, LF and CRLF lines, several `data`
 * lines, comments, a byte order mark, characters split over chunks. An event that never ends throws at 16 MiB.
 */
export class SseReader {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #afterCr = false;
  #event = '';
  #data: string[] = [];
  #dataLength = 0;
  #id: string | undefined;

  push(chunk: Uint8Array): SseEvent[] {
    let text = this.#decoder.decode(chunk, { stream: true });
    // A CR at the end of a chunk may be half of a CRLF.
    if (this.#afterCr && text.startsWith('\n')) text = text.slice(1);
    if (text !== '') this.#afterCr = text.endsWith('\r');
    // Looked at once: a long line in many chunks must not be searched again for each.
    const lines = /[\r\n]/.test(text) ? (this.#rest + text).split(/\r\n|\r|\n/) : [this.#rest + text];
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length + this.#dataLength > LONGEST_EVENT)
      throw new Error('an event of the stream is longer than 16 MiB; the peer does not speak text/event-stream');
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): SseEvent[] {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return [];
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'id') this.#id = value;
    else if (field === 'data') {
      this.#data.push(value);
      this.#dataLength += value.length;
    }
    return [];
  }

  #dispatch(): SseEvent[] {
    const event = this.#event === '' ? 'message' : this.#event;
    const data = this.#data;
    this.#event = '';
    this.#data = [];
    this.#dataLength = 0;
    return data.length === 0 ? [] : [{ event, data: data.join('\n'), id: this.#id }];
  }
}

/** The events of a body, as they come. */
export async function* readSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const reader = new SseReader();
  for await (const chunk of body) yield* reader.push(chunk);
}
