import type { CatalogModel } from '@corral/contracts';

/** Something about a model that is no longer as it was shown. */
export interface ModelChange {
  readonly what: string;
  readonly before: string;
  readonly now: string;
}

const NONE = 'none';

const SAID: readonly { readonly what: string; readonly of: (model: CatalogModel) => string }[] = [
  { what: 'State', of: ({ state }) => state },
  { what: 'What still runs is cut', of: ({ drain_until_ms: untilMs }) => (untilMs === null ? 'never' : `at ${new Date(untilMs).toLocaleString()}`) },
  { what: 'Pinned', of: ({ pinned }) => (pinned ? 'yes' : 'no') },
  { what: 'Tags', of: ({ tags }) => listed(tags) },
  { what: 'Sources', of: ({ sources }) => listed(sources) },
  { what: 'Digest', of: ({ digest }) => digest ?? NONE },
  { what: 'Tokens per slot', of: ({ context }) => context.toLocaleString('en-US') },
  { what: 'Slots', of: ({ slots }) => String(slots) },
  { what: 'Signatures', of: ({ trust }) => String(trust.signatures.length) },
  { what: 'Trust policy', of: ({ trust }) => trust.policy?.mode ?? (trust.policy === null ? NONE : 'set') },
];

/** What an operator sees of the difference between two versions of a model; empty where it is in what no page shows. [U-30] */
export function modelChanges(before: CatalogModel, now: CatalogModel): readonly ModelChange[] {
  return SAID.map(({ what, of }) => ({ what, before: of(before), now: of(now) })).filter((change) => change.before !== change.now);
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? NONE : items.join(', ');
}
