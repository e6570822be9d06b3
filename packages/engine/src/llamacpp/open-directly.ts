import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Llama } from 'node-llama-cpp';
import { commonOptions, supportedKind, type LlamaSetup } from './llama-setup.js';

/** What `getLlama` does once it knows that a binary works; it has no public name. */
interface DirectLlama {
  _create(options: ReturnType<typeof commonOptions> & {
    readonly bindings: unknown;
    readonly bindingPath: string;
    readonly buildType: 'prebuilt';
    readonly buildMetadata: unknown;
    readonly maxThreads: undefined;
    readonly skipLlamaInit: false;
    readonly debug: false;
    readonly numa: false;
    readonly tempDir: false;
  }): Promise<Llama>;
}

/**
 * Loads a binary that was seen to work on this device of this host, without the process that tests it first. [C-153]
 *
 * Rejects when the binary cannot be loaded or sees another number of devices than the one.
 */
export async function openDirectly(setup: LlamaSetup, binary: string): Promise<Llama> {
  const kind = supportedKind(setup.deviceKind);
  const buildMetadata: unknown = JSON.parse(readFileSync(join(dirname(binary), '_nlcBuildMetadata.json'), 'utf8'));
  const bindings: unknown = createRequire(import.meta.url)(binary);
  const llama = await (Llama as unknown as DirectLlama)._create({
    ...commonOptions(setup),
    bindings,
    bindingPath: binary,
    buildType: 'prebuilt',
    buildMetadata,
    maxThreads: undefined,
    skipLlamaInit: false,
    debug: false,
    numa: false,
    tempDir: false,
  });
  const devices = kind === 'cpu' ? 0 : (await llama.getGpuDeviceNames()).length;
  if (llama.gpu !== (kind === 'cpu' ? false : kind) || devices !== (kind === 'cpu' ? 0 : 1)) throw new Error(`the binary uses ${llama.gpu === false ? 'the CPU' : llama.gpu} with ${devices} devices instead of one ${kind} device`);
  return llama;
}
