import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { EngineSources } from '../port.js';

/** What node-llama-cpp's package holds for a local build: everything but the tools. `null` where something was taken out of it. [D-78] */
export function findSources(root: string): EngineSources | null {
  const folder = join(root, 'llama');
  const gitBundle = join(folder, 'gitRelease.bundle');
  try {
    const ofPackage = createRequire(join(root, 'package.json'));
    const nodeAddonApi = dirname(ofPackage.resolve('node-addon-api/package.json'));
    const nodeHeaders = join(dirname(createRequire(ofPackage.resolve('cmake-js')).resolve('node-api-headers')), 'include');
    const patches = readdirSync(join(folder, 'patches')).filter((name) => name.endsWith('.diff')).toSorted().map((name) => join(folder, 'patches', name));
    return existsSync(gitBundle) && existsSync(join(nodeHeaders, 'node_api.h')) ? { folder, gitBundle, patches, nodeHeaders, nodeAddonApi } : null;
  } catch {
    return null;
  }
}
