import { afterAll, expect, test } from '@jest/globals';
import { aliveOf, familyOf } from '../cluster/processes.js';
import { startRabbit, type Rabbit } from './start-rabbit.js';

const started: Rabbit[] = [];
afterAll(async () => {
  for (const rabbit of started) await rabbit.remove();
});

test('E-31 a broker of its own starts, keeps what is durable over a kill, and leaves no process behind', async () => {
  const before = await familyOf(process.pid);
  const rabbit = await startRabbit();
  started.push(rabbit);
  expect((await rabbit.control('add_vhost', 'kept')).trim()).toBe('');
  await rabbit.kill();
  await rabbit.start();
  expect(await rabbit.control('list_vhosts')).toContain('kept');
  await rabbit.stop();
  await rabbit.start();
  const family = (await familyOf(process.pid)).filter((pid) => !before.includes(pid));
  await rabbit.remove();
  expect([family.length > 1, await aliveOf(family)]).toEqual([true, []]);
}, 600_000);
