import { getLlama, type Llama } from 'node-llama-cpp';
import { commonOptions, supportedKind, type LlamaSetup } from './llama-setup.js';
import { writeMark } from './self-test-mark.js';
import { toEngineError } from './to-engine-error.js';

/**
 * Loads the native code for exactly one kind of device, which another process has tried first. [C-33]
 *
 * `markPath`: where it is written down that it worked. [C-153]
 */
export async function openLlama(setup: LlamaSetup, markPath: string | null = null): Promise<Llama> {
  try {
    const kind = supportedKind(setup.deviceKind);
    const llama = await getLlama({ ...commonOptions(setup), gpu: kind === 'cpu' ? false : kind, build: 'never' });
    if (markPath !== null && (kind === 'cpu' || (await llama.getGpuDeviceNames()).length === 1)) writeMark(markPath);
    return llama;
  } catch (error) {
    throw toEngineError(error);
  }
}
