import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Answer {
  readonly status: number;
  readonly code: unknown;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the server says
  readonly body: any;
}

/** One call, with a key or without. */
export async function as(key: string | null, url: string, call: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const [method = '', path = ''] = call.split(' ');
  const response = await fetch(new URL(path, url), {
    method,
    headers: { ...headers, ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const parsed = isJson && text !== '' ? JSON.parse(text) : null;
  return { status: response.status, code: parsed?.error?.code ?? parsed?.code, headers: response.headers, text, body: parsed };
}

/** A new key; throws with what the server said. */
export async function keyOf(admin: string | null, url: string, wanted: object): Promise<{ readonly key: string; readonly key_id: string }> {
  const { status, body, text } = await as(admin, url, 'POST /api/admin/keys', wanted);
  if (status !== 201) throw new Error(`no key: ${status} ${text}`);
  return body;
}

/** Files below a folder in which a text stands. */
export async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const found: string[] = [];
  for (const file of files) if ((await readFile(file)).includes(text)) found.push(file);
  return found;
}
