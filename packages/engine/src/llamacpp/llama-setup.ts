import type { DeviceKind } from '@corral/contracts';
import { LlamaLogLevel } from 'node-llama-cpp';
import { EngineError } from '../engine-error.js';

/** Kinds of devices that this engine was run on. */
export type LlamaDeviceKind = 'cpu' | 'vulkan';

export interface LlamaSetup {
  readonly deviceKind: DeviceKind;
  /** `warn` in service; `debug` shows every graph where llama.cpp is told to. */
  readonly logLevel: 'debug' | 'info' | 'warn';
}

const LEVELS = { debug: LlamaLogLevel.debug, info: LlamaLogLevel.info, warn: LlamaLogLevel.warn } as const;
const GIB = 1_024 ** 3;

/**
 * What is the same however the native code is opened: its messages go to standard error, where the parent keeps them as last words,
 * and it leaves the memory alone that `getLlama` leaves alone where nothing is said, so that both ways refuse alike.
 */
export function commonOptions({ logLevel }: LlamaSetup) {
  return {
    logLevel: LEVELS[logLevel],
    logger: (level: LlamaLogLevel, message: string) => void process.stderr.write(`[llama.cpp ${level}] ${message.trimEnd()}\n`),
    vramPadding: (totalBytes: number): number => Math.floor(Math.min(totalBytes * 0.08, 1.6 * GIB)),
    ramPadding: (totalBytes: number): number => Math.floor(Math.min(totalBytes * 0.25, process.platform === 'linux' ? GIB : 6 * GIB)),
  };
}

/** Code for a device kind exists only where it was run. [C-32] */
export function supportedKind(kind: DeviceKind): LlamaDeviceKind {
  if (kind === 'cpu' || kind === 'vulkan') return kind;
  throw new EngineError('device_unsupported', `there is no engine code for ${kind} devices; use a cpu or vulkan pool`);
}
