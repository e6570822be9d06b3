import type { Validator } from '@corral/contracts';
import { CliFailure } from '../cli-failure.js';
import type { CorralClient } from './corral-client.js';

interface Listed<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

const PAGE = 1_000;
const PAGES_MAX = 1_000;

/** A whole list of the server, page by page. */
export async function allPages<T>(client: CorralClient, path: string, check: Validator<Listed<T>>): Promise<T[]> {
  const found: T[] = [];
  const query = `${path.includes('?') ? '&' : '?'}limit=${PAGE}`;
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const list: Listed<T> = await client.get(`${path}${query}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`, check);
    found.push(...list.data);
    cursor = list.next_cursor;
    if (cursor === null) return found;
  }
  throw new CliFailure(`${path} goes on after ${found.length} entries`, { next: 'ask for a part of it with the filters of the command' });
}
