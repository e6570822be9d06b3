import type { Digest, ModelRef, RefScheme } from '@corral/catalog-core';
import type { AssertRoom } from './disk-space.js';

/** Where the work on one model is. */
export type ProvisionPhase = 'locating' | 'downloading' | 'verifying' | 'inspecting';

/** How far a phase is. `totalBytes` is `null` while nobody knows it, may be rounded as the source states it, and is never below `bytes`. */
export interface ProvisionProgress {
  readonly phase: ProvisionPhase;
  /** The source that is being tried, or `null` while the catalog is searched. */
  readonly source: string | null;
  readonly bytes: number;
  readonly totalBytes: number | null;
}

/** A folder that belongs to one source, with what an earlier fetch of it left. */
export interface ResumableFolder {
  readonly path: string;
  /** What is in it is worth going on with, if this fetch does not succeed. */
  keep(): void;
}

/** What a fetcher may use. */
export interface FetchContext {
  /** The digest that the file must have, or `null`. Whoever started the fetch compares. */
  readonly expected: Digest | null;
  /** Makes an empty folder for unfinished files; whoever started the fetch removes it. */
  readonly partialFolder: () => Promise<string>;
  /** Opens the folder of this source for what is unfinished; it stays after a failure when the fetcher says so. [D-50] */
  readonly resumableFolder: () => Promise<ResumableFolder>;
  /** To be called before a file of that size is written. */
  readonly assertRoom: AssertRoom;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Omit<ProvisionProgress, 'source'>) => void;
}

/** A digest that the place of origin gives for a file, and what to do when the file has another. */
export interface PromisedDigest {
  readonly digest: Digest;
  readonly by: string;
  readonly advice: string;
}

/** A file that a fetcher found or brought. It is not verified yet. */
export interface FetchedFile {
  readonly path: string;
  /** `in_place` files stay where they are; `partial` ones lie in the partial folder, complete and synced. */
  readonly placement: 'in_place' | 'partial';
  readonly promised: PromisedDigest | null;
  /** Bytes that came over a network or another medium to get it. */
  readonly fetchedBytes: number;
}

/** Brings the file of one kind of reference; throws `ProvisionError`, or the signal's reason when that aborts. */
export type Fetcher<Scheme extends RefScheme = RefScheme> = (
  ref: Extract<ModelRef, { scheme: Scheme }>,
  context: FetchContext,
) => Promise<FetchedFile>;
