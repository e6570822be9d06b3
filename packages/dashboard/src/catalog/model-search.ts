import type { ModelState } from '@corral/contracts';

/** Which models are looked for; the address of the page keeps it. */
export interface ModelSearch {
  readonly text: string;
  readonly state: ModelState | null;
}

/** Reads it from the query of an address. */
export function searchOf(query: string): ModelSearch {
  const given = new URLSearchParams(query);
  const state = given.get('state');
  return { text: given.get('q') ?? '', state: state === 'Active' || state === 'Retired' ? state : null };
}

/** The query of the address, with its question mark; empty where all are shown. */
export function queryOf({ text, state }: ModelSearch): string {
  const query = new URLSearchParams({ ...(text === '' ? {} : { q: text }), ...(state === null ? {} : { state }) }).toString();
  return query === '' ? '' : `?${query}`;
}
