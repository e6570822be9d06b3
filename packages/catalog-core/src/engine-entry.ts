import type { Lifecycle, Verification } from './catalog-entry.js';
import type { Digest } from './digest.js';
import type { DeviceKind } from './model-facts.js';

/** Where a bundle comes from: a prebuilt package, a build on this machine, or a server that runs by itself. [D-25] */
export type EngineMode = 'package' | 'source' | 'external';

/** One file of a bundle. */
export interface EngineArtifact {
  /** Relative to the folder of the bundle. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** How a local build did beside another bundle in the same run: above 1 it is faster. [D-73] */
export interface EngineGain {
  /** Id of the other bundle. */
  readonly against: string;
  readonly prefill: number;
  readonly decode: number;
  readonly threads: number;
  readonly measuredMs: number;
}

/** What a server that runs by itself serves. [D-80] */
export interface ExternalServer {
  /** As requests name it. */
  readonly modelId: string;
  readonly digest: Digest;
  /** The file as the server names it; `null` when it names none. */
  readonly modelPath: string | null;
  readonly slots: number;
  /** Tokens of one slot. */
  readonly contextTokens: number;
  /** What its probe saw it do. */
  readonly capabilities: readonly string[];
}

/** One build of the engine that this node has. [D-11] */
export interface EngineEntry {
  readonly id: string;
  /** Such as `llamacpp`. */
  readonly engine: string;
  /** Of node-llama-cpp; of an external server what it says of itself. */
  readonly version: string;
  /** The sources that it was built from, as far as that is known. */
  readonly buildRef: string | null;
  /** Of the list of its files; `null` for a server. */
  readonly digest: Digest | null;
  readonly buildFlags: readonly string[];
  readonly artifacts: readonly EngineArtifact[];
  readonly createdMs: number;
  readonly mode: EngineMode;
  /** Absolute path of its folder; the URL of a server. */
  readonly location: string;
  /** Its files lie outside the engines directory: they are used where they are, never moved or deleted. */
  readonly inPlace: boolean;
  readonly deviceKinds: readonly DeviceKind[];
  /** Kinds of devices whose replicas it runs; a kind has one bundle at most. */
  readonly chosenFor: readonly DeviceKind[];
  readonly gain: EngineGain | null;
  readonly verification: Verification;
  readonly lastVerifiedMs: number;
  readonly state: Lifecycle;
  /** `null` while it is active. */
  readonly retiredAtMs: number | null;
  readonly pinned: boolean;
  /** `null` when it was never used. */
  readonly lastUsedMs: number | null;
  /** Of a server alone. */
  readonly external?: ExternalServer;
}

const ID = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/** What keeps a text from being the id of a bundle, or `null`. The message ends with what to write instead. */
export function engineIdProblem(id: string): string | null {
  return ID.test(id) && !id.includes('..') ? null : `"${id.slice(0, 120)}" is no id of an engine; use up to 100 lower-case letters, digits, dots, dashes and underscores, a letter or digit first`;
}
