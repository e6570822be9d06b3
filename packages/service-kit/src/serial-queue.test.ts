import { expect, test } from '@jest/globals';
import { QueueFullError, SerialQueue } from './serial-queue.js';

test('P-69 jobs run one at a time, in order, and a failed one fails alone', async () => {
  const queue = new SerialQueue(10);
  const seen: string[] = [];
  const job =
    (name: string, fails = false) =>
    async () => {
      seen.push(`+${name}`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`-${name}`);
      if (fails) throw new Error(name);
      return name;
    };
  const results = await Promise.allSettled([queue.run(job('a')), queue.run(job('b', true)), queue.run(job('c'))]);
  expect(seen).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
  expect(results.map((r) => (r.status === 'fulfilled' ? r.value : String(r.reason)))).toEqual(['a', 'Error: b', 'c']);
  expect(queue.size).toBe(0);
});

test('P-69 a full queue refuses, and has room again when a job is done', async () => {
  const queue = new SerialQueue(1);
  let finish = (): void => {};
  const running = queue.run(() => new Promise<void>((resolve) => (finish = resolve)));
  await expect(queue.run(() => 1)).rejects.toBeInstanceOf(QueueFullError);
  await Promise.resolve();
  finish();
  await running;
  await queue.idle();
  await expect(queue.run(() => 1)).resolves.toBe(1);
});
