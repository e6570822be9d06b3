import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { DeviceKind } from '@corral/contracts';

/** The installed node-llama-cpp. */
export interface Installation {
  /** Folder of the package. */
  readonly root: string;
  readonly version: string;
  /** Release of llama.cpp that it is made for. */
  readonly buildRef: string;
  /** Its prebuilt binary for a kind of device, where this engine knows it; `null` = `getLlama` has to find one. */
  binaryOf(kind: DeviceKind): string | null;
}

export function findInstallation(): Installation {
  const require = createRequire(import.meta.url);
  const entry = require.resolve('node-llama-cpp');
  const root = join(dirname(entry), '..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
  const { release } = JSON.parse(readFileSync(join(root, 'llama', 'binariesGithubRelease.json'), 'utf8')) as { readonly release: string };
  return {
    root,
    version,
    buildRef: release,
    binaryOf: (kind) => {
      // A build from source is preferred by the engine and known to it alone.
      if (process.platform !== 'linux' || (kind !== 'cpu' && kind !== 'vulkan') || existsSync(join(root, 'llama', 'localBuilds'))) return null;
      const name = `linux-${process.arch}${kind === 'vulkan' ? '-vulkan' : ''}`;
      try {
        const binary = join(dirname(createRequire(entry).resolve(`@node-llama-cpp/${name}`)), '..', 'bins', name, 'llama-addon.node');
        return existsSync(binary) ? binary : null;
      } catch {
        return null;
      }
    },
  };
}
