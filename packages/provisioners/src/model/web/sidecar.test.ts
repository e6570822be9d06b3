import { expect, test } from '@jest/globals';
import type { Sidecar } from './sidecar.js';
import { decodeSidecar, encodeSidecar } from './sidecar.js';

const SIDECAR: Sidecar = {
  origin: 'https://host/m.gguf',
  promised: `sha256:${'ab'.repeat(32)}`,
  sizeBytes: 100,
  validator: { kind: 'etag', value: '"a"' },
  ranges: [{ start: 0, end: 10 }, { start: 20, end: 100 }],
};
const TEXT = encodeSidecar(SIDECAR);

test.each<Sidecar>([
  SIDECAR,
  { ...SIDECAR, promised: null, ranges: [] },
  { ...SIDECAR, validator: { kind: 'date', value: 'Thu, 01 Jan 2026 00:00:00 GMT' } },
])('D-50 a sidecar is read as it was written', (sidecar) => {
  expect(decodeSidecar(encodeSidecar(sidecar))).toEqual(sidecar);
});

test.each([
  ['nothing', ''],
  ['half of it', TEXT.slice(0, 40)],
  ['no object', 'null'],
  ['another version', TEXT.replace('"schema_version":1', '"schema_version":2')],
  ['a range beyond the end', TEXT.replace('[20,100]', '[20,101]')],
  ['a range without an end', TEXT.replace('[20,100]', '[20]')],
  ['an empty range', TEXT.replace('[20,100]', '[20,20]')],
  ['a digest that is none', TEXT.replace('sha256:ab', 'sha256:xy')],
  ['a digest of another kind', TEXT.replace(/"promised":"[^"]*"/, '"promised":5')],
  ['no validator', TEXT.replace('"etag":"\\"a\\"",', '')],
  ['a size that is none', TEXT.replace('"size_bytes":100', '"size_bytes":"100"')],
])('D-50 %s is worth nothing', (_, text) => {
  expect(text).not.toBe(TEXT);
  expect(decodeSidecar(text)).toBeNull();
});
