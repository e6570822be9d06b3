import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelFacts } from '@corral/catalog-core';
import { openCatalog } from '@corral/catalog-core/fs';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { recordingLog, systemClock } from '@corral/service-kit';
import type { RecordedLine } from '@corral/service-kit';
import { ALLOW_EVERY_SOURCE, ModelProvisioner, WEB_LIMITS } from '../src/index.js';
import type { ModelProvisionerOptions } from '../src/index.js';

/** Facts that an inspection in a test finds. */
export const FACTS: ModelFacts = {
  architecture: 'llama',
  name: null,
  quant: 'Q4_1',
  layers: 1,
  embeddingLength: 8,
  vocabSize: 16,
  trainContext: 512,
  hasChatTemplate: false,
  memory: {},
};

/** A provisioner with a catalog, a folder that pip takes wheels from, and a record of what was inspected. */
export interface Workshop {
  /** Everything lies below it: `models/`, `wheels/`, and whatever the test adds. */
  readonly dir: string;
  readonly store: CatalogStore;
  readonly provisioner: ModelProvisioner;
  readonly inspected: string[];
  readonly lines: RecordedLine[];
  /** Another provisioner on the same catalog. */
  another(changes: Partial<ModelProvisionerOptions>): ModelProvisioner;
  /** Puts a program named `pip` first in the path that provisioners get. */
  replacePip(script: string): Promise<void>;
  /** Names in the models directory that a user would see, and what is left of unfinished files. */
  files(): Promise<{ readonly visible: readonly string[]; readonly partial: readonly string[] }>;
  end(): Promise<void>;
}

/** Sets a workshop up. pip sees the local folder of wheels and no network. */
export async function aWorkshop(changes: Partial<ModelProvisionerOptions> = {}): Promise<Workshop> {
  const dir = await mkdtemp(join(tmpdir(), 'corral-provision-'));
  await Promise.all([mkdir(join(dir, 'wheels')), mkdir(join(dir, 'bin'))]);
  const { store } = await openCatalog(join(dir, 'models'));
  const { log, lines } = recordingLog();
  const inspected: string[] = [];
  const made: ModelProvisioner[] = [];
  const env = {
    ...process.env,
    PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: join(dir, 'wheels'),
    PIP_CONFIG_FILE: '/dev/null',
    PIP_CACHE_DIR: join(dir, 'cache'),
    HTTP_PROXY: '',
    http_proxy: '',
    HTTPS_PROXY: '',
    https_proxy: '',
    HF_TOKEN: '',
    HF_ENDPOINT: 'http://127.0.0.1:9',
  };
  const another = (more: Partial<ModelProvisionerOptions>) => {
    const inspect = async (path: string) => {
      inspected.push((await readFile(path)).subarray(0, 4).toString('latin1'));
      return FACTS;
    };
    const provisioner = new ModelProvisioner({
      store,
      inspect,
      factsKey: 'engine 1',
      policy: ALLOW_EVERY_SOURCE,
      env,
      web: { ...WEB_LIMITS, retryInitialMs: 1, retryMaxMs: 5 },
      clock: systemClock,
      random: () => 0.5,
      log,
      ...changes,
      ...more,
    });
    made.push(provisioner);
    return provisioner;
  };
  return {
    dir,
    store,
    provisioner: another({}),
    inspected,
    lines,
    another,
    async replacePip(script) {
      await writeFile(join(dir, 'bin', 'pip'), `#!/bin/sh\n${script}\n`);
      await chmod(join(dir, 'bin', 'pip'), 0o755);
    },
    async files() {
      const visible = (await readdir(store.dir)).filter((name) => !name.startsWith('.')).sort();
      return { visible, partial: await readdir(join(store.dir, '.partial')).catch(() => []) };
    },
    async end() {
      for (const provisioner of made) await provisioner.close();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}
