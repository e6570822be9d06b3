import type { CatalogModel, ModelOrigin } from '@corral/contracts';
import { formatAge } from '../wording/format-age.js';
import { formatSize } from '../wording/format-size.js';
import { shortDigest } from '../wording/short-digest.js';
import type { Tone } from '../wording/tone.js';
import { modelPlaces, type ModelPlace } from './model-place.js';
import { verificationView, type VerificationView } from './verification-view.js';

/** One line of the catalog. */
export interface ModelRow {
  readonly id: string;
  readonly state: { readonly tone: Tone; readonly label: string; readonly note: string | null };
  readonly isPinned: boolean;
  readonly origin: string;
  readonly tags: readonly string[];
  /** Size and quantisation; null before any node has the file. */
  readonly file: string | null;
  /** The one that was given, else the one of the file that a node has. */
  readonly digest: { readonly short: string; readonly full: string; readonly isGiven: boolean } | null;
  /** When any node last used it; null where none did. */
  readonly used: string | null;
  readonly verification: VerificationView;
  readonly places: readonly ModelPlace[];
  readonly morePlaces: number;
}

const ORIGINS: Readonly<Record<ModelOrigin, string>> = {
  manifest: 'from the manifest',
  starter: 'built in',
  api: 'registered',
  node: 'found on a node',
};

/** [U-20] */
export function modelRow(model: CatalogModel, nowMs: number): ModelRow {
  const { shown, more } = modelPlaces(model);
  const file = [model.size_bytes === null ? null : formatSize(model.size_bytes), model.quant].filter((part) => part !== null);
  return {
    id: model.id,
    state: modelState(model, nowMs),
    isPinned: model.pinned,
    origin: ORIGINS[model.origin],
    tags: model.tags,
    file: file.length === 0 ? null : file.join(', '),
    digest: digestOf(model),
    used: usedOf(model, nowMs),
    verification: verificationView(model.verification, model.last_verified_ms, nowMs),
    places: shown,
    morePlaces: more,
  };
}

function digestOf({ digest, availability }: CatalogModel): ModelRow['digest'] {
  const full = digest ?? availability.find(({ present }) => present)?.digest ?? null;
  return full === null ? null : { short: shortDigest(full), full, isGiven: digest !== null };
}

function usedOf({ availability }: CatalogModel, nowMs: number): string | null {
  const times = availability.flatMap(({ last_used_ms: usedMs }) => usedMs ?? []);
  return times.length === 0 ? null : `used ${formatAge(nowMs - Math.max(...times))} ago`;
}

/** A retired model serves nothing new: how long what still runs may go on stands beside it. [U-22] */
export function modelState({ state, retired_at_ms: retiredMs, drain_until_ms: untilMs }: CatalogModel, nowMs: number): ModelRow['state'] {
  if (state === 'Active') return { tone: 'good', label: 'Active', note: null };
  const drains = untilMs !== null && untilMs > nowMs ? `what still runs is cut in ${formatAge(untilMs - nowMs)}` : null;
  return { tone: 'idle', label: 'Retired', note: drains ?? (retiredMs === null ? null : `${formatAge(nowMs - retiredMs)} ago`) };
}
