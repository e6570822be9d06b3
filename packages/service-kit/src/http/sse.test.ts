import { expect, test } from '@jest/globals';
import { readSse, SSE_HEADERS, SseReader, type SseEvent } from './sse.js';

const bytes = (text: string): Buffer => Buffer.from(text);

function readIn(size: number, text: string): SseEvent[] {
  const reader = new SseReader();
  const all = bytes(text);
  const events: SseEvent[] = [];
  for (let at = 0; at < all.length; at += size) events.push(...reader.push(all.subarray(at, at + size)));
  return events;
}

test('B-65 the headers of an event stream', () => {
  expect(SSE_HEADERS).toEqual({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache',
    Connection: 'keep-alive',
    'X-Accel-Buffering': 'no',
  });
});

test('B-65 events are the same in pieces of any size, with any line ends', () => {
  const text =
    '\uFEFF: hello\r\nevent: token\r\ndata: {"t":"äöü😀"}\r\n\r\ndata: a\rdata:b\r\rid: 7\ndata\ndata:  two\n\nevent: ignored\n\nevent: end\ndata: x\n\n';
  const expected = [
    { event: 'token', data: '{"t":"äöü😀"}', id: undefined },
    { event: 'message', data: 'a\nb', id: undefined },
    { event: 'message', data: '\n two', id: '7' },
    { event: 'end', data: 'x', id: '7' },
  ];
  for (const size of [1, 2, 3, 5, 7, 1_000]) expect(readIn(size, text)).toEqual(expected);
});

test('B-65 an event without its blank line is not one yet', () => {
  expect(readIn(4, 'data: 1\n\ndata: 2\n')).toEqual([{ event: 'message', data: '1', id: undefined }]);
});

test('B-65 a body is read as it comes', async () => {
  const body = (async function* () {
    yield bytes('data: 1\n\nda');
    yield bytes('ta: 2\n\n');
  })();
  const seen: string[] = [];
  for await (const { data } of readSse(body)) seen.push(data);
  expect(seen).toEqual(['1', '2']);
});

test('B-65 an event that never ends is refused', () => {
  const reader = new SseReader();
  const block = Buffer.alloc(1_048_576, 'x');
  expect(() => {
    for (let n = 0; n < 20; n += 1) reader.push(block);
  }).toThrow('longer than 16 MiB');
  const lines = new SseReader();
  expect(() => {
    for (let n = 0; n < 20; n += 1) lines.push(Buffer.concat([bytes('data: '), block, bytes('\n')]));
  }).toThrow('longer than 16 MiB');
});
