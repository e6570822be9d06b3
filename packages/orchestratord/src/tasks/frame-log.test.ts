import { describe, expect, test } from '@jest/globals';
import { FrameLog, type FrameReader } from './frame-log.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Takes `appetite` writes at a time, then wants to be asked again. */
function aReader(appetite = Infinity): FrameReader & { readonly got: string[]; ended: boolean } {
  const reader = {
    got: [] as string[],
    ended: false,
    write: (bytes: Uint8Array) => {
      reader.got.push(text(bytes));
      return reader.got.length % appetite !== 0;
    },
    end: () => void (reader.ended = true),
  };
  return reader;
}

describe('FrameLog', () => {
  test('B-70 a late reader gets the whole sequence and its end', () => {
    const log = new FrameLog(1_000);
    log.append(Buffer.from('a'));
    log.append(Buffer.from('b'));
    log.end({ type: 'error', code: 'WORKER_RESET', message: 'gone', retriable: true });
    const reader = aReader();
    log.attach(reader, false);
    expect(reader).toMatchObject({ got: ['abevent: error\ndata: {"code":"WORKER_RESET","message":"gone","retriable":true}\n\n'], ended: true });
  });

  test('B-64 a slow reader keeps its place and holds nobody up', () => {
    const log = new FrameLog(1_000);
    const slow = aReader(1);
    const quick = aReader();
    const attached = log.attach(slow, false);
    log.attach(quick, false);
    for (const letter of 'abc') log.append(Buffer.from(letter));
    expect([slow.got, quick.got]).toEqual([['a'], ['a', 'b', 'c']]);
    attached.resume();
    attached.resume();
    log.end(null);
    expect([slow.got, slow.ended, quick.ended]).toEqual([['a', 'b', 'c'], false, true]);
    attached.resume();
    expect(slow.ended).toBe(true);
  });

  test('B-63 nothing follows the end', () => {
    const log = new FrameLog(1_000);
    const reader = aReader();
    log.attach(reader, false);
    log.end(null);
    expect([log.append(Buffer.from('x')), reader.got, reader.ended, log.readers]).toEqual([false, [], true, 0]);
  });

  test('B-70 the log is bounded, and its end is written past the bound', () => {
    const log = new FrameLog(300);
    expect([log.append(Buffer.from('abc')), log.append(Buffer.from('d')), log.sizeBytes]).toEqual([true, false, 259]);
    log.end({ type: 'error', code: 'INTERNAL', message: 'm', retriable: false });
    const reader = aReader();
    log.attach(reader, false);
    expect([reader.got.join('').slice(0, 11), reader.ended]).toEqual(['abcevent: e', true]);
  });

  test('J-07 the human sentence is for verbose readers', () => {
    const log = new FrameLog(1_000);
    log.frame({ type: 'metrics', queue_depth: 1, human: 'waits' });
    log.frame({ type: 'metrics', human: 'goes' });
    const plain = aReader();
    const verbose = aReader();
    log.attach(plain, false);
    log.attach(verbose, true);
    expect(plain.got).toEqual(['event: metrics\ndata: {"queue_depth":1}\n\n']);
    expect(verbose.got).toEqual([plain.got[0], 'event: metrics\ndata: {"human":"waits"}\n\n', 'event: metrics\ndata: {"human":"goes"}\n\n']);
  });

  test('A-157 what has ended is kept in few pieces, as soon as nobody is in the middle of it; each reader gets the same', () => {
    const log = new FrameLog(100_000_000);
    const slow = aReader(1);
    const attached = log.attach(slow, false);
    for (let n = 0; n < 10_000; n += 1) {
      log.append(Buffer.from(`${n},`.padEnd(20)));
      if (n === 5_000) log.frame({ type: 'metrics', human: 'halfway' });
    }
    log.end(null);
    const before = log.sizeBytes;
    attached.detach();
    const [plain, verbose] = [aReader(), aReader()];
    log.attach(plain, false);
    log.attach(verbose, true);
    const all = Array.from({ length: 10_000 }, (_, n) => `${n},`.padEnd(20)).join('');
    expect([before > 2_700_000, log.sizeBytes < 203_000, plain.got.length, plain.got.join('') === all, verbose.got.join('').length]).toEqual([true, true, 4, true, all.length + 'event: metrics\ndata: {"human":"halfway"}\n\n'.length]);
  });

  test('B-66 a reader that left gets nothing more', () => {
    const log = new FrameLog(1_000);
    const reader = aReader();
    log.attach(reader, false).detach();
    log.append(Buffer.from('a'));
    log.end(null);
    expect([reader.got, reader.ended, log.readers]).toEqual([[], false, 0]);
  });
});
