import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameBoundary } from './frame-boundary.js';

test('B-63 whatever the chunks, only whole frames pass and no byte is lost', () => {
  const frame = fc.string({ minLength: 1, maxLength: 12 }).map((s) => `data: ${s.replaceAll('\n', ' ')}\n\n`);
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(200), { maxLength: 12 }), (frames, cuts) => {
      const whole = Buffer.from(frames.join(''));
      const boundary = new FrameBoundary();
      const passed: Buffer[] = [];
      const edges = [0, ...cuts.map((c) => Math.min(c, whole.byteLength)).toSorted((a, b) => a - b), whole.byteLength];
      for (let n = 1; n < edges.length; n += 1) {
        passed.push(Buffer.from(boundary.push(whole.subarray(edges[n - 1], edges[n]))));
        const sofar = Buffer.concat(passed).toString();
        expect(sofar === '' || sofar.endsWith('\n\n')).toBe(true);
      }
      expect(Buffer.concat([...passed, boundary.rest()]).toString()).toBe(whole.toString());
    }),
  );
});

test('B-68 the piece of a frame that was cut is held back', () => {
  const boundary = new FrameBoundary();
  expect(Buffer.from(boundary.push(Buffer.from('data: a\n\ndata: b'))).toString()).toBe('data: a\n\n');
  expect(Buffer.from(boundary.push(Buffer.from('c\n'))).toString()).toBe('');
  expect(Buffer.from(boundary.push(Buffer.from('\ndata: d'))).toString()).toBe('data: bc\n\n');
  expect(Buffer.from(boundary.rest()).toString()).toBe('data: d');
});
