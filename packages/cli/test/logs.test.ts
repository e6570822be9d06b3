import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LogTail } from '../src/logs/log-tail.js';
import { runCorral } from './run-corral.js';

let stateDir: string;
let folder: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'corral-logs-'));
  folder = join(stateDir, 'logs');
  await mkdir(folder);
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const line = (second: number, level: string, msg: string, more: object = {}): string =>
  `${JSON.stringify({ ts: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), level, service: 'orchestratord', msg, ...more })}\n`;

async function twoFiles(): Promise<void> {
  await writeFile(join(folder, 'orchestratord.jsonl'), line(1, 'info', 'one', { correlation_id: 'c1' }) + line(3, 'warn', 'three'));
  await writeFile(
    join(folder, 'pool-managerd.jsonl'),
    line(2, 'debug', 'two', { correlation_id: 'c1' }) + line(4, 'error', 'four', { pool_id: 'p1', why: 'no memory' }),
  );
}

const messages = (out: string): string[] =>
  out
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => (JSON.parse(text) as { msg: string }).msg);

describe('corral logs', () => {
  test('P-07 lines of both daemons by time; --json keeps them as they stand', async () => {
    await twoFiles();
    const { out } = await runCorral(['logs', '--json', '--state-dir', stateDir]);
    expect(messages(out)).toEqual(['one', 'two', 'three', 'four']);
  });

  test('P-07 grouped by correlation id, cut by level, and only the newest', async () => {
    await twoFiles();
    const asked = async (...flags: string[]) =>
      messages((await runCorral(['logs', '--json', ...flags], { env: { CORRAL_STATE_DIR: stateDir } })).out);
    expect(await asked('--correlation', 'c1')).toEqual(['one', 'two']);
    expect(await asked('--level', 'warn')).toEqual(['three', 'four']);
    expect(await asked('-n', '1')).toEqual(['four']);
    expect(await asked('-n', '0')).toEqual([]);
  });

  test('for people: time, level, who, what, facts', async () => {
    await twoFiles();
    const { out } = await runCorral(['logs', '-n', '1', '--state-dir', stateDir]);
    expect(out).toMatch(/^\d\d:\d\d:\d\d\.000 error orchestratord: four pool_id=p1 why="no memory"\n$/);
  });

  test('a line that was cut stays readable', async () => {
    await writeFile(join(folder, 'orchestratord.jsonl'), `{"ts":"2026\n${line(1, 'info', 'one')}`);
    expect((await runCorral(['logs', '--state-dir', stateDir])).out).toContain('{"ts":"2026\n');
  });

  test('without logs it says where it looked', async () => {
    await rm(folder, { recursive: true });
    expect(await runCorral(['logs', '--state-dir', stateDir])).toEqual({
      code: 1,
      out: '',
      err: `corral: there are no logs in ${folder}\n  next: start the daemons with scripts/up, or name their state directory with --state-dir\n`,
    });
  });

  test('--follow goes on until the signal', async () => {
    await twoFiles();
    let isAdded = false;
    const { code, out } = await runCorral(['logs', '-f', '--json', '--state-dir', stateDir], {
      onOut: (text, signal) => {
        if (text.includes('"five"')) signal('SIGINT');
        else if (text.includes('"four"') && !isAdded) {
          isAdded = true;
          void appendFile(join(folder, 'orchestratord.jsonl'), line(5, 'info', 'five'));
        }
      },
    });
    expect([code, messages(out)]).toEqual([0, ['one', 'two', 'three', 'four', 'five']]);
  });
});

describe('following files', () => {
  const texts = async (read: Promise<readonly { readonly message: string }[]>) => (await read).map(({ message }) => message);

  test('a line shows when it is whole', async () => {
    const path = join(folder, 'a.jsonl');
    await writeFile(path, line(1, 'info', 'one'));
    const tail = new LogTail(folder, {});
    expect(await texts(tail.last(10))).toEqual(['one']);
    const whole = line(2, 'info', 'zwö');
    await appendFile(path, whole.slice(0, 20));
    expect(await texts(tail.next())).toEqual([]);
    await appendFile(path, whole.slice(20));
    expect(await texts(tail.next())).toEqual(['zwö']);
    await tail.close();
  });

  test('a file that was moved away is read to its end, then the one that took its name; so is one that was begun later', async () => {
    const path = join(folder, 'a.jsonl');
    await writeFile(path, line(1, 'info', 'one'));
    const tail = new LogTail(folder, {});
    await tail.last(10);
    await appendFile(path, line(2, 'info', 'two'));
    await rename(path, `${path}.1`);
    await writeFile(path, line(3, 'info', 'three'));
    await writeFile(join(folder, 'b.jsonl'), line(4, 'info', 'four'));
    expect(await texts(tail.next())).toEqual(['two', 'three', 'four']);
    expect(await texts(tail.next())).toEqual([]);
    await tail.close();
  });

  test('a line without end is passed over, and the next one is read', async () => {
    await writeFile(join(folder, 'a.jsonl'), `${'x'.repeat(3_000_000)}\n${line(1, 'info', 'one')}`);
    const tail = new LogTail(folder, {});
    expect(await texts(tail.last(10))).toEqual(['one']);
    await tail.close();
  });

  test('of a long file only the end is read, from the start of a line', async () => {
    const filler = 'x'.repeat(100_000);
    const lines = Array.from({ length: 200 }, (_, n) =>
      line(n % 60, 'info', `m${n}`, { ts: new Date(Date.UTC(2026, 0, 1) + n).toISOString(), filler }),
    );
    await writeFile(join(folder, 'a.jsonl'), lines.join(''));
    const tail = new LogTail(folder, {});
    const read = await texts(tail.last(1_000));
    const whole = Math.floor((16 * 1_048_576) / Buffer.byteLength(lines.at(-1) ?? ''));
    expect([read[0], read.at(-1), read.length]).toEqual([`m${200 - whole}`, 'm199', whole]);
    await tail.close();
  });
});
