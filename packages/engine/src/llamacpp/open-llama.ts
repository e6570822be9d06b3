import type { DeviceKind } from '@corral/contracts';
import { getLlama, InsufficientMemoryError, LlamaLogLevel, NoBinaryFoundError, type Llama } from 'node-llama-cpp';
import { EngineError, isEngineError } from '../engine-error.js';

export interface LlamaSetup {
  readonly deviceKind: DeviceKind;
  /** `warn` in service; `debug` shows every graph where llama.cpp is told to. */
  readonly logLevel: 'debug' | 'info' | 'warn';
}

const LEVELS = { debug: LlamaLogLevel.debug, info: LlamaLogLevel.info, warn: LlamaLogLevel.warn } as const;

/**
 * Loads the native code for exactly one kind of device; its messages go to standard error, where the
 * parent keeps them as last words. [C-33]
 */
export async function openLlama({ deviceKind, logLevel }: LlamaSetup): Promise<Llama> {
  if (deviceKind !== 'cpu' && deviceKind !== 'vulkan') throw new EngineError('device_unsupported', `there is no engine code for ${deviceKind} devices; use a cpu or vulkan pool`);
  try {
    return await getLlama({
      gpu: deviceKind === 'cpu' ? false : deviceKind,
      build: 'never',
      logLevel: LEVELS[logLevel],
      logger: (level, message) => void process.stderr.write(`[llama.cpp ${level}] ${message.trimEnd()}\n`),
    });
  } catch (error) {
    throw toEngineError(error);
  }
}

/** What node-llama-cpp throws, in the words of the port. */
export function toEngineError(error: unknown): EngineError {
  if (isEngineError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof InsufficientMemoryError) return new EngineError('out_of_memory', `the model does not fit the device whole: ${text}; free memory, or take fewer slots or a smaller context`, [], { cause: error });
  if (error instanceof NoBinaryFoundError) return new EngineError('device_missing', `the engine has no binary that works with this device: ${text}`, [], { cause: error });
  return new EngineError('bad_model', `the model cannot be loaded: ${text}; the engine's last words say more`, [], { cause: error });
}
