import { expect, test } from '@jest/globals';
import type { CatalogEntry } from '@corral/catalog-core';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { LastUses } from './last-uses.js';

test('D-36 every entry of a used file moves, at most once a second, and is written within a minute', async () => {
  const clock = new FakeClock();
  const noted: (readonly [string, number])[][] = [];
  let flushed = 0;
  const entries = [{ id: 'a', digest: 'sha256:1' }, { id: 'b', digest: 'sha256:1' }, { id: 'c', digest: 'sha256:2' }] as unknown as CatalogEntry[];
  const store = {
    list: () => entries,
    noteUsed: (ids: ReadonlyMap<string, number>) => Promise.resolve(void noted.push([...ids])),
    flush: () => Promise.resolve(void (flushed += 1)),
  };
  const uses = new LastUses({ store, clock, log: silentLog });
  const startMs = clock.nowMs();
  uses.used('sha256:1');
  uses.used('sha256:1');
  uses.used('sha256:unknown');
  await clock.advance(999);
  uses.used('sha256:1');
  await clock.advance(1);
  uses.used('sha256:1');
  expect(noted).toEqual([[['a', startMs], ['b', startMs]], [['a', startMs + 1_000], ['b', startMs + 1_000]]]);
  const stop = new AbortController();
  const running = uses.run(stop.signal);
  await clock.advance(59_999);
  expect(flushed).toBe(0);
  await clock.advance(1);
  expect(flushed).toBe(1);
  stop.abort(new Error('stop'));
  await running;
});
