import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchSmolLm2, writeTinyModel } from '@corral/test-kit';

/** One thread per engine worker, and two minutes for a load: the machines that run this are small and shared. */
export const ONE_THREAD = { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: '1', DEMAND_LOAD_WAIT_MS: '120000' } as const;

/** The real model, from the cache of this checkout. */
export async function smollm2(extra: object = {}): Promise<object> {
  return { source: `file:${await fetchSmolLm2()}`, context: 1_024, slots: 4, ...extra };
}

export interface Tiny {
  readonly model: object;
  readonly path: string;
  remove(): Promise<void>;
}

/** A synthetic model of about a megabyte that writes a known text. */
export async function tiny(options: Parameters<typeof writeTinyModel>[1] = {}, extra: object = {}): Promise<Tiny> {
  const dir = await mkdtemp(join(tmpdir(), 'corral-model-'));
  const { path } = await writeTinyModel(join(dir, 'tiny.gguf'), options);
  return { model: { source: `file:${path}`, context: 512, slots: 4, ...extra }, path, remove: () => rm(dir, { recursive: true, force: true }) };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** One JSON call, with a key where one is needed. */
export async function call(url: string, method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

export interface StreamedEvent {
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** All events of a task's stream. */
export async function eventsOf(url: string, taskId: string, verbose = false): Promise<readonly StreamedEvent[]> {
  const response = await fetch(new URL(`/v2/tasks/${taskId}/events${verbose ? '?verbose=true' : ''}`, url));
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((frame) => frame.startsWith('event: '))
    .map((frame) => {
      const [name = '', data = ''] = frame.split('\n');
      return { event: name.slice('event: '.length), data: JSON.parse(data.slice('data: '.length)) as Record<string, unknown> };
    });
}
