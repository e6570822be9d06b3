import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openEngines } from '@corral/catalog-core/fs';
import type { EngineStore } from '@corral/catalog-core/fs';
import { systemClock } from '@corral/service-kit';
import { EngineProvisioner } from '../src/engine/engine-provisioner.js';
import type { EngineProvisionerOptions } from '../src/engine/engine-provisioner.js';

const TARGET = { engine: 'llamacpp', version: '3.22.1', buildRef: 'v0.5.0', platform: 'linux', arch: 'x64' } as const;

/** Options of a build as node-llama-cpp writes them. */
export const metadata = (changes: object = {}): string =>
  JSON.stringify({ buildOptions: { customCmakeOptions: { GGML_X: 'ON' }, platform: 'linux', arch: 'x64', gpu: false, llamaCpp: { repo: 'ggml-org/llama.cpp', release: 'v0.5.0' }, ...changes } });

/** The files of a prebuilt package, each a few bytes. */
export function prebuiltFiles(changes: Readonly<Record<string, string | null>> = {}): Readonly<Record<string, string | null>> {
  return {
    'package.json': JSON.stringify({ name: '@node-llama-cpp/linux-x64', version: '3.22.1' }),
    'bins/linux-x64/llama-addon.node': 'native',
    'bins/linux-x64/libggml.so': 'library',
    'bins/linux-x64/_nlcBuildMetadata.json': metadata(),
    ...changes,
  };
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string | null>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    if (text === null) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

export interface Place {
  readonly folder: string;
  readonly store: EngineStore;
  readonly engines: EngineProvisioner;
  remove(): Promise<void>;
}

/** An empty catalog of engines and its provisioner. */
export async function aPlace(changes: Partial<EngineProvisionerOptions> = {}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-engines-'));
  const { store } = await openEngines(join(folder, 'engines'));
  const engines = new EngineProvisioner({ store, target: TARGET, builtIn: [], sources: null, env: process.env, clock: systemClock, ...changes });
  return {
    folder,
    store,
    engines,
    remove: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
