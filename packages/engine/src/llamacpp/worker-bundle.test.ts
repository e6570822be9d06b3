import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { isCurrentBundle } from './worker-bundle.js';

const dir = mkdtempSync(join(tmpdir(), 'corral-current-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('C-156 a bundle serves while what it was made of is unchanged, and only the version that it holds', () => {
  const [bundle, made] = [join(dir, 'bundle/worker.js'), join(dir, 'made.js')];
  mkdirSync(join(dir, 'bundle'));
  writeFileSync(made, 'one');
  writeFileSync(join(dir, 'bundle/inputs.json'), JSON.stringify({ nodeLlamaCpp: '1.0.0', files: { '../made.js': createHash('sha256').update('one').digest('hex'), '../not-shipped.js': 'x' } }));
  const seen = [isCurrentBundle(bundle, '1.0.0')];
  writeFileSync(bundle, '');
  seen.push(isCurrentBundle(bundle, '1.0.0'), isCurrentBundle(bundle, '1.0.1'));
  writeFileSync(made, 'two');
  seen.push(isCurrentBundle(bundle, '1.0.0'), isCurrentBundle(join(dir, 'nowhere/worker.js'), '1.0.0'));
  expect(seen).toEqual([false, true, false, false, false]);
});
