import { expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../clock.js';
import { withCorrelation } from './correlation.js';
import { createLog, type LogOptions } from './create-log.js';

const AT = { ...systemClock, nowMs: () => Date.UTC(2030, 0, 2, 3, 4, 5, 6) };
const HEAD = { ts: '2030-01-02T03:04:05.006Z', service: 'stored' };

/** What a log with these options writes to the console while `work` runs. */
async function written(options: Partial<LogOptions>, work: (log: ReturnType<typeof createLog>) => void): Promise<string[]> {
  let text = '';
  const consoleOut = { write: (part: string) => (text += part) };
  const log = createLog({ service: 'stored', level: 'info', console: 'json', clock: AT, consoleOut, ...options });
  work(log);
  await log.close();
  return text.split('\n').slice(0, -1);
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

test('P-07 a line is one JSON object: fixed names first, then the fields of parents and of the call', async () => {
  const lines = await written({}, (log) => log.child({ pool_id: 'p1', n: 1 }).info('pool is ready', { n: 2 }));
  expect(lines).toEqual([
    JSON.stringify({ ...HEAD, level: 'info', service: 'stored', msg: 'pool is ready', pool_id: 'p1', n: 2 }, [
      'ts',
      'level',
      'service',
      'msg',
      'pool_id',
      'n',
    ]),
  ]);
});

test('P-07 a field cannot hide the time, the level or the message', async () => {
  const lines = parsed(await written({}, (log) => log.warn('hm', { msg: 'x', level: 'debug', ts: 0, service: 'y', message: 'kept' })));
  expect(lines).toEqual([{ ...HEAD, level: 'warn', msg: 'hm', message: 'kept' }]);
});

test('B-02 lines under a request carry its correlation id, and an own one wins', async () => {
  const lines = parsed(await written({}, (log) => withCorrelation('abc', () => (log.info('a'), log.info('b', { correlation_id: 'own' })))));
  expect(lines.map((line) => line['correlation_id'])).toEqual(['abc', 'own']);
});

test('P-07 levels: what is below the limit is not written, and debug can be asked for', async () => {
  const all = (log: ReturnType<typeof createLog>) => (log.debug('d'), log.info('i'), log.warn('w'), log.error('e'));
  expect(parsed(await written({ level: 'warn' }, all)).map((line) => line['level'])).toEqual(['warn', 'error']);
  expect(parsed(await written({ level: 'debug', consoleLevel: 'error' }, all)).map((line) => line['level'])).toEqual(['error']);
  expect(parsed(await written({ level: 'debug' }, (log) => log.isDebugEnabled() && log.debug('d'))).length).toBe(1);
  expect(await written({ level: 'info' }, (log) => log.isDebugEnabled() && log.debug('d'))).toEqual([]);
  expect(await written({ console: false }, all)).toEqual([]);
});

test('B-08 secrets are blanked: by name, as bearer tokens, in addresses, and the configured ones anywhere', async () => {
  const lines = await written({ secrets: ['hunter2'] }, (log) =>
    log.info('got Bearer abc.def-123 from amqp://user:pw@host:5672/v', {
      headers: { Authorization: 'Basic eHg=', 'x-api-key': 'k', accept: 'x' },
      api_token: 't',
      nested: [{ password: 'p' }],
      reason: 'wrong: hunter2!',
      tokens_in: 5,
      error: new Error('401 for Bearer zzz'),
    }),
  );
  const [line] = parsed(lines);
  expect(line).toEqual({
    ...HEAD,
    level: 'info',
    msg: 'got Bearer [redacted] from amqp://[redacted]@host:5672/v',
    headers: { Authorization: '[redacted]', 'x-api-key': '[redacted]', accept: 'x' },
    api_token: '[redacted]',
    nested: [{ password: '[redacted]' }],
    reason: 'wrong: [redacted]!',
    tokens_in: 5,
    error: expect.objectContaining({ message: '401 for Bearer [redacted]' }),
  });
  expect(lines.join()).not.toMatch(/abc\.def|hunter2|zzz|user:pw/);
});

test('P-07 errors are written with their text, code, cause and stack', async () => {
  const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'E1' });
  const [line] = parsed(await written({}, (log) => log.error('failed', { error })));
  expect(line?.['error']).toEqual({
    name: 'Error',
    message: 'outer',
    code: 'E1',
    stack: expect.stringContaining('create-log.test'),
    cause: { name: 'TypeError', message: 'inner', stack: expect.any(String) },
  });
});

test('P-07 bytes, endless texts, maps, big numbers and circles do not break the line', async () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const lines = parsed(
    await written({}, (log) => {
      log.info('odd', { bytes: Buffer.alloc(5_000), text: 'x'.repeat(20_000), map: new Map([['a', 1]]), set: new Set([1]), big: 10n });
      log.info('circle', { circle });
    }),
  );
  expect(lines).toEqual([
    {
      ...HEAD,
      level: 'info',
      msg: 'odd',
      bytes: '<5000 bytes>',
      text: `${'x'.repeat(8_192)}… (20000 characters)`,
      map: { a: 1 },
      set: [1],
      big: '10',
    },
    { ...HEAD, level: 'info', msg: 'circle', fields_lost: expect.stringContaining('circular') },
  ]);
});

test('P-07 for a terminal: time, level, service, sentence, fields', async () => {
  const lines = await written({ console: 'human' }, (log) =>
    log.warn('pool is not ready', { pool_id: 'p1', reason: 'no device', error: new Error('gone'), n: 3 }),
  );
  expect(lines).toEqual(['03:04:05 warn  stored: pool is not ready pool_id=p1 reason="no device" error="gone" n=3']);
});

test('P-07 the file has every line when the log is closed, and is continued by the next process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'service-kit-'));
  const path = join(folder, 'logs', 'stored.jsonl');
  for (const run of [1, 2]) {
    const log = createLog({ service: 'stored', level: 'info', files: [path], clock: AT });
    for (let n = 0; n < 500; n += 1) log.info('line', { run, n });
    await log.close();
  }
  const lines = parsed((await readFile(path, 'utf8')).split('\n').slice(0, -1));
  expect(lines.map(({ run, n }) => [run, n])).toEqual([1, 2].flatMap((run) => Array.from({ length: 500 }, (_, n) => [run, n])));
  expect(await readdir(join(folder, 'logs'))).toEqual(['stored.jsonl']);
  await rm(folder, { recursive: true });
});

test('P-68 a log that is closed twice, or used after that, does no harm', async () => {
  let log: ReturnType<typeof createLog> | undefined;
  const lines = await written({}, (opened) => {
    log = opened;
    log.info('before');
  });
  log?.info('after');
  await log?.close();
  expect(parsed(lines).map((line) => line['msg'])).toEqual(['before']);
});
