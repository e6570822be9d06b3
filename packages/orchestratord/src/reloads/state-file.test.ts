import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { STATE_FILE, type OrchestratorState } from '@corral/contracts';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { aBinding } from '../../test/reload-fixtures.js';
import { StateFile } from './state-file.js';

afterAll(removeFolders);

async function aFile() {
  const stateDir = await aFolder();
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00.000Z'));
  const hashes = ['h1'];
  const file = new StateFile({ stateDir, clock, log: silentLog, manifestPath: '/m.yaml', manifestHash: () => hashes.at(-1) ?? '', bindings: () => [aBinding()], connectors: () => [] });
  const read = async () => JSON.parse(await readFile(join(stateDir, STATE_FILE), 'utf8')) as OrchestratorState;
  return { file, read, clock, serve: (hash: string) => void hashes.push(hash) };
}

const LISTENER = { bind: '0.0.0.0:8080', url: 'http://127.0.0.1:8080' };

test('F-14 it tells start, every activation with its source, and the end, which nothing that is told later takes back', async () => {
  const { file, read, clock, serve } = await aFile();
  await file.started(LISTENER);
  expect(await read()).toMatchObject({ status: 'running', bind: '0.0.0.0:8080', listener_url: 'http://127.0.0.1:8080', started_at: '2026-01-01T00:00:00.000Z', stopped_at: null, manifest_hash: 'h1' });
  await clock.advance(1_000);
  serve('h2');
  await file.activated('signal');
  await clock.advance(1_000);
  await file.stopped();
  serve('h3');
  await file.activated('cli');
  expect(await read()).toMatchObject({
    status: 'stopped',
    started_at: '2026-01-01T00:00:00.000Z',
    stopped_at: '2026-01-01T00:00:02.000Z',
    activations: [{ source: 'cli', manifest_hash: 'h3' }, { at: '2026-01-01T00:00:01.000Z', source: 'signal', manifest_hash: 'h2' }, { source: 'start', manifest_hash: 'h1' }],
  });
});

test('F-14 a daemon that never listened leaves what the last one wrote', async () => {
  const { file, read } = await aFile();
  await file.stopped();
  await expect(read()).rejects.toThrow('ENOENT');
});

test('F-14 writes that come together leave a whole file with what holds in the end', async () => {
  const { file, read, serve } = await aFile();
  await file.started(LISTENER);
  await Promise.all(Array.from({ length: 30 }, (_, n) => {
    serve(`h${n + 2}`);
    return file.activated('admin_api');
  }));
  const { manifest_hash: hash, activations } = await read();
  expect([hash, activations.length, activations[0]?.manifest_hash]).toEqual(['h31', 20, 'h31']);
});
