import { spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STATE_FILE, type EventEnvelope, type ManifestStatus, type OrchestratorState, type ReloadFailure, type ReloadSucceeded } from '@corral/contracts';
import { startCorral, type Corral } from '@corral/test-kit';
import { call, ONE_THREAD, type Answer } from '../served.js';

const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));

export const KEYS = ['reload-key-one', 'reload-key-two'] as const;
export const SECRET = 'the-secret-of-signed-reloads';

export type ReloadAnswer = Omit<Answer, 'body'> & { readonly body: Omit<ReloadSucceeded, 'status'> & Omit<ReloadFailure, 'status'> & { readonly status: 'ok' | 'error' } };

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A running home profile whose manifest is changed while it serves. */
export interface Reloadable {
  readonly corral: Corral;
  readonly url: string;
  readonly manifestPath: string;
  /** What the file is to hold from now on; a text as it is. */
  write(manifest: object | string): Promise<void>;
  /** `POST /admin/reload` with the first key. */
  reload(): Promise<ReloadAnswer>;
  /** Writes and reloads; throws unless that succeeded. */
  serve(manifest: object): Promise<ReloadSucceeded>;
  post(headers: Readonly<Record<string, string>>, body?: string): Promise<ReloadAnswer>;
  status(): Promise<ManifestStatus>;
  state(): Promise<OrchestratorState>;
  /** Events of reloads since the server started, oldest first: so many, and what comes within a moment after them. */
  news(count: number): Promise<readonly (EventEnvelope<'orchestrator.reload_succeeded'> | EventEnvelope<'orchestrator.reload_failed'>)[]>;
  stop(): Promise<void>;
}

export interface ReloadableOptions {
  readonly manifest: object;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function startReloadable({ manifest, args = [], env = {} }: ReloadableOptions): Promise<Reloadable> {
  const corral = await startCorral({ manifest, args, env: { ...ONE_THREAD, ORCHESTRATOR_API_KEYS: ` ${KEYS[0]} , ,${KEYS[1]}`, ORCHESTRATOR_HMAC_SECRET: SECRET, ...env } });
  const { url, stateDir } = corral;
  const manifestPath = join(stateDir, 'corral.manifest.json');
  // In one step, so that nobody who watches it reads half of it.
  const write: Reloadable['write'] = (next) => Promise.resolve(writeFileSync(manifestPath, typeof next === 'string' ? next : JSON.stringify(next)));
  const post: Reloadable['post'] = async (headers, body) => {
    const response = await fetch(new URL('/admin/reload', url), { method: 'POST', headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body }) });
    return { status: response.status, headers: response.headers, body: (await response.json()) as ReloadAnswer['body'] };
  };
  const reload: Reloadable['reload'] = () => post({ authorization: `Bearer ${KEYS[0]}` });
  return {
    corral,
    url,
    manifestPath,
    write,
    post,
    reload,
    serve: async (next) => {
      await write(next);
      const { status, body } = await reload();
      if (status !== 200) throw new Error(`not reloaded: ${status} ${JSON.stringify(body)}`);
      return body as ReloadSucceeded;
    },
    status: async () => (await call(url, 'GET', '/v2/manifest')).body as unknown as ManifestStatus,
    state: async () => JSON.parse(await readFile(join(stateDir, STATE_FILE), 'utf8')) as OrchestratorState,
    news: (count) => newsOf(url, count),
    stop: () => corral.stop(),
  };
}

async function newsOf(url: string, count: number): ReturnType<Reloadable['news']> {
  const leave = new AbortController();
  const response = await fetch(new URL('/v2/events/stream?since=0', url), { signal: leave.signal });
  let text = '';
  const told = () => {
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => data).filter((data) => /"type":"orchestrator\.reload_/.test(data));
    return events.length;
  };
  let quiet = setTimeout(() => leave.abort(), 120_000);
  try {
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece;
      if (told() < count) continue;
      clearTimeout(quiet);
      quiet = setTimeout(() => leave.abort(), 1_000);
    }
  } catch (error) {
    if (!leave.signal.aborted) throw error;
  } finally {
    clearTimeout(quiet);
  }
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as EventEnvelope);
  return events.filter((event) => event.type === 'orchestrator.reload_succeeded' || event.type === 'orchestrator.reload_failed');
}

export interface Signing {
  readonly body: string;
  readonly path?: string;
  readonly secret?: string;
  readonly atMs?: number;
}

/** The header of a signed call, made as its description says. */
export function signed({ body, path = '/admin/reload', secret = SECRET, atMs = Date.now() }: Signing): { readonly authorization: string } {
  const timestamp = Math.floor(atMs / 1_000);
  const text = ['POST', path, timestamp, createHash('sha256').update(body).digest('hex')].join('\n');
  return { authorization: `HMAC-SHA256 timestamp=${timestamp},signature=${createHmac('sha256', secret).update(text).digest('base64')}` };
}

/** Runs the CLI as a user does. */
export async function corralCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  const child = spawn(process.execPath, [CLI, ...args], { env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

/** One short answer, and the route and version that accepted it. */
export async function asked(url: string, model: string): Promise<{ readonly status: number; readonly route: string | null }> {
  const { status, headers } = await call(url, 'POST', '/v1/completions', { model, prompt: 'x', max_tokens: 2 });
  return { status, route: headers.get('x-corral-route') };
}

export interface RouteStream {
  readonly status: number;
  /** Name and version that accepted it; `null` on what is no route. */
  readonly route: string | null;
  /** Resolves when some text has come. */
  readonly begun: Promise<void>;
  readonly end: Promise<StreamEnd>;
}

export interface StreamEnd {
  readonly text: string;
  /** It came to its regular end. */
  readonly isDone: boolean;
  /** What else ended it. */
  readonly failure: string | null;
}

/** A streamed `/v1/completions` from the moment on at which its status is known. */
export async function opened(url: string, body: object): Promise<RouteStream> {
  const response = await fetch(new URL('/v1/completions', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ prompt: 'x', temperature: 0, stream: true, ...body }) });
  let onBegun = (): void => undefined;
  const begun = new Promise<void>((resolve) => (onBegun = resolve));
  return { status: response.status, route: response.headers.get('x-corral-route'), begun, end: readToEnd(response, onBegun) };
}

async function readToEnd(response: Response, onText: () => void): Promise<StreamEnd> {
  let [text, rest, isDone] = ['', '', false];
  try {
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const frames = (rest + piece).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const data = frame.slice('data: '.length);
        if (data === '[DONE]') isDone = true;
        else {
          const { choices, error } = JSON.parse(data) as { readonly choices?: readonly { readonly text?: string }[]; readonly error?: { readonly code: string } };
          if (error !== undefined) return { text, isDone: false, failure: error.code };
          text += choices?.[0]?.text ?? '';
          if (text !== '') onText();
        }
      }
    }
  } catch (error) {
    return { text, isDone: false, failure: String(error) };
  }
  return { text, isDone, failure: isDone ? null : `ended without its end: ${rest.slice(0, 200)}` };
}
