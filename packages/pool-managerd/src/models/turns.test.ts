import { expect, test } from '@jest/globals';
import { Turns } from './turns.js';

test('D-63 so many at once, the others in order; who leaves the queue holds up nobody', async () => {
  const turns = new Turns(1);
  const done: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string, signal = new AbortController().signal) => turns.run(() => new Promise<void>((resolve) => ends.set(name, () => resolve(void done.push(name)))), signal);
  const leaving = new AbortController();
  const [a, b, c] = [work('a'), work('b', leaving.signal), work('c')];
  await Promise.resolve();
  expect([...ends.keys()]).toEqual(['a']);
  leaving.abort(new Error('gone'));
  await expect(b).rejects.toThrow('gone');
  ends.get('a')?.();
  await a;
  await new Promise((resolve) => setImmediate(resolve));
  ends.get('c')?.();
  await c;
  expect(done).toEqual(['a', 'c']);
  await expect(turns.run(() => Promise.reject(new Error('failed')), new AbortController().signal)).rejects.toThrow('failed');
  expect(await turns.run(() => Promise.resolve('free again'), new AbortController().signal)).toBe('free again');
});
