import type { ModelFacts } from '@corral/catalog-core';

/** A model that is on this node's disk, verified and understood. */
export interface PresentModel {
  readonly modelId: string;
  readonly digest: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly facts: ModelFacts | null;
}

/** What an assignment says of the model it needs. */
export interface WantedModel {
  readonly modelId: string;
  readonly sources: readonly string[];
  readonly digest: string | null;
}

/** One text per wish; equal wishes share their work. */
export function wantedModelKey({ modelId, sources, digest }: WantedModel): string {
  return JSON.stringify([modelId, digest, sources]);
}

/** How far the work on a model is. */
export interface PresenceProgress {
  readonly phase: 'locating' | 'downloading' | 'verifying' | 'inspecting';
  readonly bytes: number;
  readonly totalBytes: number | null;
}

export type PresenceState =
  /** `progress` null = others come first. */
  | { readonly state: 'working'; readonly progress: PresenceProgress | null }
  | { readonly state: 'present' }
  /** Its file was deleted while nobody needed it; it is provided again when somebody asks anew. [D-65] */
  | { readonly state: 'released' }
  | { readonly state: 'failed'; readonly error: string; readonly retryAtMs: number };

/** Whether a wanted model is there. */
export interface Presence {
  readonly key: string;
  readonly wanted: WantedModel;
  readonly phase: PresenceState;
  /** The last time it was there; stays while it is looked at again. */
  readonly model: PresentModel | null;
  readonly failures: number;
  /** Newest generation of the assignments for which it was last looked at. */
  readonly generation: number;
}
