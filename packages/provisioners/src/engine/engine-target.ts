/** What a bundle has to be to run in this program on this machine. */
export interface EngineTarget {
  /** Such as `llamacpp`. */
  readonly engine: string;
  /** Of node-llama-cpp: the native interface belongs to one version. [D-72] */
  readonly version: string;
  /** Release of llama.cpp that it is made for. */
  readonly buildRef: string;
  /** As Node names it. */
  readonly platform: string;
  readonly arch: string;
}

/** The file of a bundle that is loaded; the others are loaded by it. */
export const NATIVE_BINARY = 'llama-addon.node';
/** What node-llama-cpp writes beside it. */
export const BUILD_METADATA = '_nlcBuildMetadata.json';
