import type { LlamaSetup } from './llama-setup.js';

/** The one argument of a llama.cpp engine worker, as JSON. */
export interface WorkerArguments extends LlamaSetup {
  /** Such as `node-llama-cpp-3.22.1`. */
  readonly fingerprint: string;
  /** Where it is marked that the binary works on this device; `null` = nowhere. */
  readonly markPath: string | null;
  /** A binary that was seen to work; `null` = it has to be found and tested. */
  readonly trusted: {
    readonly binary: string;
    /** URL of `open-public.js`, for when the binary does not start after all; `null` = then the process has to give up. */
    readonly publicModule: string | null;
  } | null;
}

/** What a load carries beside its spec. */
export interface LoadExtra {
  /** File of the cache that remembers the model; `null` = there is none. */
  readonly rememberedPath: string | null;
}

export function readWorkerArguments(): WorkerArguments {
  return JSON.parse(process.argv[2] ?? '{}') as WorkerArguments;
}
