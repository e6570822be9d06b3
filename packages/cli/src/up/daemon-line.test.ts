import { expect, test } from '@jest/globals';
import picocolors from 'picocolors';
import { daemonLine } from './daemon-line.js';

const colors = picocolors.createColors(false);
const shown = (raw: string) => daemonLine('orchestratord', raw, colors);

test('P-07 of a log, warnings and errors reach standard error', () => {
  const line = (level: string) =>
    JSON.stringify({ ts: '2026-01-01T00:00:00Z', level, service: 'orchestratord', msg: 'no node', node_id: 'n' });
  expect(shown(line('warn'))).toMatch(/^\d\d:\d\d:\d\d\.000 warn {2}orchestratord: no node node_id=n$/);
  expect([shown(line('info')), shown(line('debug')), shown('  ')]).toEqual([undefined, undefined, undefined]);
});

test('last words are shown whole, with the name of who said them', () => {
  expect(shown('Error: no')).toBe('orchestratord: Error: no');
  expect(shown('orchestratord: invalid configuration:')).toBe('orchestratord: invalid configuration:');
});

test('a long fact is cut: the file has it whole', () => {
  const line = JSON.stringify({ ts: '2026-01-01T00:00:00Z', level: 'error', service: 's', msg: 'm', why: 'x'.repeat(500) });
  expect(shown(line)).toMatch(/ why=x{120}…$/);
});
