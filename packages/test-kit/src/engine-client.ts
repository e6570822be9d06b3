import type { GenerateRequest } from '@corral/contracts';
import { Agent, request } from 'undici';

export interface EngineAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** An event of an event stream, its data parsed; `[DONE]` stays a string. */
export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Talks to one engine worker over its socket. Close it. */
export function engineClient(socketPath: string): {
  generate(body: GenerateRequest, signal?: AbortSignal): Promise<EngineAnswer>;
  /** The response as it comes, for tests that read slowly or leave. */
  open(body: GenerateRequest, signal?: AbortSignal): ReturnType<typeof request>;
  post(body: string): Promise<EngineAnswer>;
  /** What the owner of a worker asks of it. */
  call(path: string, body?: object): Promise<unknown>;
  get(path: string): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;
  close(): Promise<void>;
} {
  const dispatcher = new Agent({ connect: { socketPath }, connections: 64, bodyTimeout: 0, headersTimeout: 0 });
  const open = (body: string, signal?: AbortSignal): ReturnType<typeof request> =>
    request('http://engine/generate', { dispatcher, method: 'POST', body, headers: { 'content-type': 'application/json' }, ...(signal && { signal }) });
  const post = async (body: string, signal?: AbortSignal): Promise<EngineAnswer> => {
    const response = await open(body, signal);
    const text = await response.body.text();
    return { status: response.statusCode, contentType: String(response.headers['content-type']), text, trailers: response.trailers as Record<string, string> };
  };
  return {
    generate: (body, signal) => post(JSON.stringify(body), signal),
    open: (body, signal) => open(JSON.stringify(body), signal),
    post,
    call: async (path, body = {}) => {
      const response = await request(`http://engine${path}`, { dispatcher, method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
      return await response.body.json();
    },
    get: async (path) => {
      const response = await request(`http://engine${path}`, { dispatcher });
      return { status: response.statusCode, body: (await response.body.json()) as Record<string, unknown> };
    },
    close: () => dispatcher.destroy(),
  };
}

/** Events of a whole stream, in order. */
export function eventsOf(stream: string): readonly StreamEvent[] {
  return stream
    .split('\n\n')
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const field = (name: string): string => block.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
      const data = field('data');
      return { event: field('event') || 'message', data: data === '[DONE]' ? data : JSON.parse(data) };
    });
}
