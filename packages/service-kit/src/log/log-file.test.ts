import { expect, test } from '@jest/globals';
import { mkdtemp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFile } from './log-file.js';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'service-kit-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('P-68 a file that has grown is moved away, and only so many are kept', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.jsonl');
    const file = new LogFile(path, { maxBytes: 20, keep: 2 });
    for (let n = 0; n < 5; n += 1) {
      file.write(`${n}${'x'.repeat(24)}\n`);
      // One batch is one write: the limit is looked at in between. A closed file is opened again by the next line.
      await file.close();
    }
    file.write('last\n');
    await file.close();
    const firsts = await Promise.all(
      (await readdir(folder)).toSorted().map(async (name) => [name, (await readFile(join(folder, name), 'utf8'))[0]]),
    );
    expect(firsts).toEqual([
      ['a.jsonl', 'l'],
      ['a.jsonl.1', '4'],
      ['a.jsonl.2', '3'],
    ]);
  }));

test('P-68 a disk that refuses costs lines, which are counted, and is told once; the writing goes on when it can', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.jsonl');
    const troubles: string[] = [];
    await mkdir(path);
    const file = new LogFile(path, { onTrouble: (problem) => troubles.push(problem) });
    file.write('lost 1\n');
    file.write('lost 2\n');
    await file.close();
    file.write('lost 3\n');
    await file.close();
    await rm(path, { recursive: true });
    file.write('kept\n');
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('kept\n{"level":"warn","msg":"log lines were lost","lost":3}\n');
    expect(troubles).toEqual([expect.stringContaining(`cannot write ${path} (EISDIR`)]);
  }));

test('P-68 a disk that is slower than the log does not fill the memory', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.jsonl');
    const file = new LogFile(path, { maxPendingBytes: 100 });
    for (let n = 0; n < 50; n += 1) file.write(`${'y'.repeat(9)}\n`);
    await file.close();
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
    expect([lines.length, lines.at(-1)]).toEqual([11, '{"level":"warn","msg":"log lines were lost","lost":40}']);
  }));
