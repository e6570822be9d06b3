import { expect, test } from '@jest/globals';
import { Errands } from './errands.js';

test('F-03 errands are done in order, each with its own end, and one that fails fails alone', async () => {
  const errands = new Errands();
  const done: string[] = [];
  const ends = [
    errands.add(() => void done.push('a')),
    errands.add(async () => {
      done.push('b');
      throw new Error('b failed');
    }),
    errands.add(() => (done.push('c'), 7)),
  ].map((end) => end.then((value) => value, (error: Error) => error.message));
  expect(done).toEqual([]);
  await errands.run();
  expect([done, await Promise.all(ends)]).toEqual([['a', 'b', 'c'], [undefined, 'b failed', 7]]);
});

test('F-03 what waits at the end is refused, and so is what comes after', async () => {
  const errands = new Errands();
  const waiting = errands.add(() => 1);
  errands.close();
  await expect(waiting).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  await expect(errands.add(() => 1)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
});
