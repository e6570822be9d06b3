import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { recordingLog, silentLog } from '@corral/service-kit';
import { anAssignment } from '../../test/an-assignment.js';
import { Journal } from './journal.js';

const dirs: string[] = [];
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function aPath(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'journal-'));
  dirs.push(dir);
  return join(dir, 'node', 'journal.json');
}
const open = (path: string, nodeId = 'n1') => Journal.open({ path, nodeId, log: silentLog });
const held = (journal: Journal) => [...journal.state.entries].map(([key, { assignment }]) => [key, assignment.generation]);

describe('Journal', () => {
  test('C-140 E-10 what was taken is there again after a restart, with its generations and pools', async () => {
    const path = await aPath();
    const before = await open(path);
    expect(await before.take([anAssignment('a', { generation: 3 }), anAssignment('b'), anAssignment('a', { generation: 2 })])).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }, { kind: 'stale' }]);
    await before.setChoices([{ poolId: 'p1', device: 'cpu', memoryBytes: null }]);
    const after = await open(path);
    expect(held(after)).toEqual([['default/a', 3], ['default/b', 1]]);
    expect(after.state.choices).toEqual([{ poolId: 'p1', device: 'cpu', memoryBytes: null }]);
    expect(await after.take([anAssignment('a', { generation: 3 })])).toEqual([{ kind: 'stale' }]);
  });

  test('C-140 E-08 an event is on disk when its outcome is told', async () => {
    const path = await aPath();
    const journal = await open(path);
    await journal.take([anAssignment('a')]);
    expect(await readFile(path, 'utf8')).toContain('"instance_id": "a"');
    expect(await readdir(join(path, '..'))).toEqual(['journal.json']);
  });

  test('E-08 an event that cannot be kept has not been taken', async () => {
    const path = await aPath();
    const journal = await open(path);
    await journal.take([anAssignment('a')]);
    await rm(join(path, '..'), { recursive: true });
    await expect(journal.take([anAssignment('b')])).rejects.toThrow('ENOENT');
    expect(held(journal)).toEqual([['default/a', 1]]);
    await mkdir(join(path, '..'));
    expect(await journal.take([anAssignment('b')])).toEqual([{ kind: 'accepted' }]);
  });

  test.each([
    ['is no JSON', 'not json'],
    ['has an unknown version', '{"schema_version":2,"node_id":"n1","pools":null,"assignments":[]}'],
    ['belongs to another node', '{"schema_version":1,"node_id":"n2","pools":null,"assignments":[]}'],
    ['holds a broken assignment', '{"schema_version":1,"node_id":"n1","pools":null,"assignments":[{"instance_id":"a"}]}'],
  ])('C-140 a journal that %s is set aside with a warning, since the control plane repeats everything', async (_, text) => {
    const path = await aPath();
    await mkdir(join(path, '..'));
    await writeFile(path, text);
    const { log, lines } = recordingLog();
    const journal = await Journal.open({ path, nodeId: 'n1', log });
    expect(held(journal)).toEqual([]);
    expect(await readdir(join(path, '..'))).toEqual(['journal.json.unreadable']);
    expect(lines.map(({ level, message }) => [level, message])).toEqual([['warn', 'journal set aside']]);
  });

  test('E-10 the listener hears of changes and of nothing else', async () => {
    const journal = await open(await aPath());
    let changes = 0;
    journal.onChange(() => (changes += 1));
    await journal.take([anAssignment('a')]);
    await journal.take([anAssignment('a')]);
    await journal.replace([anAssignment('a')], journal.state.seq);
    await journal.setChoices(null);
    expect(changes).toBe(1);
    expect(await journal.replace([], journal.state.seq)).toEqual({ taken: [], dropped: ['default/a'] });
    expect(changes).toBe(2);
  });
});
