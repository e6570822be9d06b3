import { InsufficientMemoryError, NoBinaryFoundError } from 'node-llama-cpp';
import { EngineError, isEngineError } from '../engine-error.js';
import { messageOf } from '../message-of.js';

/** What node-llama-cpp throws, in the words of the port. */
export function toEngineError(error: unknown): EngineError {
  if (isEngineError(error)) return error;
  const text = messageOf(error);
  if (error instanceof InsufficientMemoryError) return new EngineError('out_of_memory', `the model does not fit the device whole: ${text}; free memory, or take fewer slots or a smaller context`, [], { cause: error });
  if (error instanceof NoBinaryFoundError) return new EngineError('device_missing', `the engine has no binary that works with this device: ${text}`, [], { cause: error });
  return new EngineError('bad_model', `the model cannot be loaded: ${text}; the engine's last words say more`, [], { cause: error });
}
