import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Utf8Assembler } from './utf8-assembler.js';

const pieces = (bytes: readonly number[]): string[] => {
  const assembler = new Utf8Assembler();
  return bytes.map((byte) => assembler.push(Uint8Array.of(byte)));
};

describe('Utf8Assembler', () => {
  test('C-128 a character comes when its last byte does', () => {
    expect(pieces([...Buffer.from('a😀é')])).toEqual(['a', '', '', '', '😀', '', 'é']);
  });

  test('C-128 bytes that are no UTF-8 become U+FFFD and hold nothing back', () => {
    expect(pieces([0xff, 0x61])).toEqual(['\uFFFD', 'a']);
    expect(pieces([0x80, 0x80, 0x80, 0x80, 0x61]).join('')).toBe('\uFFFD\uFFFD\uFFFD\uFFFDa');
    expect(pieces([0xf0, 0x61])).toEqual(['', '\uFFFDa']);
  });

  test('C-128 whatever the borders, the text is the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), (text, sizes) => {
        const bytes = Buffer.from(text);
        const assembler = new Utf8Assembler();
        let out = '';
        for (let at = 0, n = 0; at < bytes.length; n += 1) {
          const size = sizes[n % sizes.length] ?? 1;
          out += assembler.push(bytes.subarray(at, at + size));
          at += size;
        }
        return out === bytes.toString() && !assembler.isPending;
      }),
    );
  });
});
