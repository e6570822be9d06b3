import type { GcDeleteRule, GcItem } from '@corral/catalog-core';

export type GcRemoval =
  | { readonly kind: 'deleted'; readonly freedBytes: number }
  /** Its entry is gone and its file is not, or it could not be deleted at all. */
  | { readonly kind: 'failed'; readonly error: string }
  /** It has come into use, or has changed, since the plan was made. */
  | { readonly kind: 'kept'; readonly reason: string };

/** A kind of things that a garbage collection may delete, and their owner's way to delete one. [D-32] */
export interface Collectable {
  readonly kind: GcItem['kind'];
  items(): readonly GcItem[];
  /** Who works with it, in words; `null` = nobody. */
  useOf(item: GcItem): string | null;
  /** Deletes one so that a crash at any moment leaves it whole or gone. `mayGo` is asked of the item as it is then. Never rejects. */
  remove(item: GcItem, rule: GcDeleteRule, mayGo: (now: GcItem) => boolean): Promise<GcRemoval>;
  /** Ends what an earlier pass could not. */
  finish?(): Promise<void>;
}
