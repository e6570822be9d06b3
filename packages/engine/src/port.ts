import type { DeviceKind } from '@corral/contracts';
import type { Log } from '@corral/service-kit';
import type { ModelFacts } from './model-facts.js';

/** Tokens that one decode call takes at most, unless a replica asks otherwise. */
export const DEFAULT_BATCH_TOKENS = 512;
/** Prompt tokens evaluated between two looks at the abort signal, unless a replica asks otherwise. */
export const DEFAULT_PREFILL_CHUNK_TOKENS = 128;

/** One native build of the engine. */
export interface EngineBundleRef {
  readonly id: string;
  /** Absolute path of its native binary; the files beside it belong to it. */
  readonly binary: string;
}

/** A build that came with the program. */
export interface BuiltInBundle {
  readonly deviceKind: DeviceKind;
  /** Absolute path of the folder that holds it and nothing else. */
  readonly folder: string;
  readonly binary: string;
  /** The sources that it was built from. */
  readonly buildRef: string;
}

/** Sources of the engine that came with the program, and what they are built against; absolute paths. */
export interface EngineSources {
  readonly folder: string;
  /** Git bundle with llama.cpp. */
  readonly gitBundle: string;
  /** Changes to llama.cpp, in order. */
  readonly patches: readonly string[];
  readonly nodeHeaders: string;
  readonly nodeAddonApi: string;
}

/** The one device of an engine process. */
export interface DeviceRef {
  /** The build that the process runs, and no other; without one, what came with the program. [D-72] */
  readonly bundle?: EngineBundleRef;
  readonly deviceKind: DeviceKind;
  /** Index of the one device that the process sees, such as `0`; empty on `cpu`. */
  readonly deviceMask: string;
}

/** Everything that one engine process needs to hold one model on one device. [C-23] */
export interface ReplicaSpec extends DeviceRef {
  readonly replicaId: string;
  /** Absolute path of the GGUF file. */
  readonly modelPath: string;
  /** Digest of that file as the catalog knows it; `null` = unknown, and nothing that is remembered of it is used. */
  readonly digest: string | null;
  /** Tokens per slot, prompt and answer together. */
  readonly contextTokens: number;
  /** Sequences decoded at once, 1 to 256. */
  readonly slots: number;
  readonly threads: number;
  readonly batchTokens: number;
  readonly prefillChunkTokens: number;
  /** `mmap` where the file is staged or cached; `direct_io` for a cold disk, which leaves no cache behind. */
  readonly weightsIo: 'mmap' | 'direct_io';
  /**
   * Absolute path of a private folder in which prefixes are kept for this digest and configuration: what lies there serves the
   * replica, and `savePrefixes` writes there. At most one replica uses it at a time. Default: nothing is kept.
   */
  readonly prefixFolder?: string | null;
}

/** What a replica measured of itself when it was ready. */
export interface ReplicaInfo {
  readonly slots: number;
  /** Tokens per slot that a prompt and its answer may have: what was asked for, at most what the model was trained for. */
  readonly contextTokens: number;
  /** 0 on `cpu`. */
  readonly layersOnDevice: number;
  readonly totalLayers: number;
  readonly memory: {
    /** Weights on the device; on `cpu` the weights in host memory, repacked copies included. */
    readonly weightsBytes: number;
    /** KV cache and compute buffers on the device; on `cpu` in host memory. */
    readonly contextBytes: number;
    /** What stays in host memory beside a device: the embedding table and host buffers. 0 on `cpu`. */
    readonly hostBytes: number;
  };
  readonly hasChatTemplate: boolean;
  /** From the request for the load until the context was there. */
  readonly loadMs: number;
  /** `fast` = with what is remembered of the file; `public` = everything was read from it anew. */
  readonly loadPath: 'fast' | 'public';
}

/** What a parked replica still holds, and how long it took to let go of the rest. */
export interface ParkedInfo {
  readonly memory: {
    /** Weights that are mapped from the model's file: no memory of its own where the file lies in RAM. 0 where they were copied. */
    readonly mappedBytes: number;
    /** What the process has for itself alone, copies of weights included. */
    readonly ownBytes: number;
  };
  readonly parkMs: number;
}

/** What lies in the prefix folder after prefixes were saved. */
export interface SavedPrefixes {
  readonly prefixes: number;
  readonly tokens: number;
  readonly sizeBytes: number;
}

export interface SavePrefixesOptions {
  /** What the folder may take in all; what does not fit is cut at its end, the prefixes that were used last come first. */
  readonly maxBytes: number;
  /** No further prefix is written once it aborts; those that are written stay. */
  readonly signal?: AbortSignal;
}

/**
 * What ended a process that nobody asked to end, in one word. `oom`: the kernel killed it for want of memory; `sigkill`: somebody
 * else did; `device`: its driver lost or reset the device; `abort`, `segfault`: its native code. [C-172]
 */
export type ExitReason = 'exit' | 'signal' | 'sigkill' | 'sigterm' | 'abort' | 'segfault' | 'oom' | 'device';

/** How an engine process ended. Exit code 0 and an exit that was asked for are `stopped`. [C-122] */
export type Exit =
  | { readonly kind: 'stopped' }
  | {
      readonly kind: 'crashed';
      readonly reason: ExitReason;
      /** One sentence for `last_error`. */
      readonly error: string;
      readonly code: number | null;
      readonly signal: string | null;
      /** The last lines that the process wrote, oldest first. */
      readonly lastWords: readonly string[];
    };

/**
 * A ready engine process. It answers `POST /generate`, `GET /health` and `GET /stats` on its socket.
 *
 * Calls wait for each other. They reject with an `EngineError`: `worker_failed` when the process ended meanwhile.
 */
export interface EngineReplica {
  readonly replicaId: string;
  readonly pid: number;
  /** Unix socket, at most 107 bytes; gone once `exited` has settled. */
  readonly socketPath: string;
  /** Of the last time that it became ready. */
  readonly info: ReplicaInfo;
  /** Settles exactly once, when the process is gone, and never rejects. */
  readonly exited: Promise<Exit>;
  /** SIGTERM, then SIGKILL after `graceMs`. The process is gone when it resolves; a second call waits for the same end. */
  stop(graceMs: number): Promise<void>;
  /**
   * Drops the context and keeps the process and the mapped model; it answers no request then. One that is parked says again what it
   * holds. Rejects with `busy` while requests run or wait, and with `device_unsupported` where weights need the memory of a device. [C-240]
   */
  park(): Promise<ParkedInfo>;
  /** Makes the context again: ready once it resolves, parked still when it rejects and the process lives. One that is ready stays so. [C-240] */
  resume(): Promise<ReplicaInfo>;
  /** Writes what the idle slots hold into the prefix folder of the spec; without one it saves nothing. Requests wait while their slot is written. [C-243] */
  savePrefixes(options: SavePrefixesOptions): Promise<SavedPrefixes>;
}

/** State of the processes that wait for a load on one device. */
export interface StandbyState {
  /** How many are initialised: a load finds its process ready. */
  readonly ready: number;
  /** Every process that waits, those included that are still initialising. */
  readonly pids: readonly number[];
  /** Why none can be initialised; `null` while it works. */
  readonly lastError: string | null;
}

export interface StandbyOptions {
  /** How many processes wait; 0 = none. */
  readonly workers: number;
  readonly log: Log;
  /** Called after each change, never within `standBy` itself. */
  readonly onChange: (state: StandbyState) => void;
}

/** Initialised processes without a model, kept for the next loads on one device. */
export interface Standby {
  readonly state: StandbyState;
  /** Ends the idle processes; all are gone when it resolves. */
  close(): Promise<void>;
}

/** A device that was found. */
export interface Device {
  readonly kind: DeviceKind;
  /** `deviceMask` of a replica on it. */
  readonly mask: string;
  /** As configuration names it: `cuda:0`, `vulkan:0`, `cpu`. */
  readonly id: string;
  readonly name: string;
  /** `null` when the engine cannot say. */
  readonly memoryTotalBytes: number | null;
  readonly memoryFreeBytes: number | null;
  /** A Vulkan device that is the CPU in disguise: used only where configuration names it. */
  readonly software: boolean;
  /** `null` when `start` takes it, else why it refuses, with the next step. */
  readonly unsupported: string | null;
}

/** One thing that was looked for, and what was seen there. [C-32] */
export interface Probe {
  readonly kind: DeviceKind;
  readonly lookedFor: string;
  readonly found: boolean;
  readonly detail: string;
}

export interface HostCpu {
  /** Cores that this process may use, the quota of its control group included; at least 1. */
  readonly cores: number;
  readonly model: string;
  readonly memoryTotalBytes: number;
  /** What is left under the limit of the control group and of the machine. */
  readonly memoryAvailableBytes: number;
}

export interface DeviceDiscovery {
  /** Every device that was found, supported or not; `cpu` is always the last. */
  readonly devices: readonly Device[];
  readonly probes: readonly Probe[];
  readonly cpu: HostCpu;
}

/**
 * An engine: finds devices, reads models, starts replicas.
 *
 * Every method that touches a driver or a model file does so in a child process, so that no fault in
 * either ends the caller. Failures are `EngineError`; an abort rejects with the signal's reason, once
 * the child is gone.
 */
export interface EngineProvider {
  readonly name: string;
  /** A bundle is a build of this version and no other. */
  readonly version: string;
  /** What came with the program, at most one for each kind of device. */
  readonly builtIn: readonly BuiltInBundle[];
  /** Release of its sources that a bundle has to be built from. */
  readonly buildRef: string;
  /** What a local build is made of; `null` where something of it is missing. */
  readonly sources: EngineSources | null;
  discover(signal?: AbortSignal): Promise<DeviceDiscovery>;
  /** Facts of a file, with the memory that it needs on one kind of device. */
  inspect(path: string, options: InspectOptions): Promise<ModelFacts>;
  /** Takes a process that waits for a load on this device, else starts one. */
  start(spec: ReplicaSpec, options: StartOptions): Promise<EngineReplica>;
  /** Keeps processes waiting for loads on a device until it is closed. One that ends is replaced with backoff. */
  standBy(device: DeviceRef, options: StandbyOptions): Standby;
}

export interface InspectOptions {
  readonly deviceKind: DeviceKind;
  /** As in `ReplicaSpec`; what a later load needs is remembered under it. */
  readonly digest?: string;
  /** As in `ReplicaSpec`. Default: the first device. */
  readonly deviceMask?: string;
  /** As in `ReplicaSpec`; decides the size of the compute buffers. Default 512. */
  readonly batchTokens?: number;
  readonly signal?: AbortSignal;
}

export interface StartOptions {
  readonly signal: AbortSignal;
  /** 0 to 1, never falling. */
  readonly onProgress?: (fraction: number) => void;
  readonly log: Log;
}
