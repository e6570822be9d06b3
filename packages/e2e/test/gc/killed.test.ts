import { expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { processesOf } from '../faults/processes.js';
import { canMount, startSmallDisk } from './small-disk.js';

const MODELS = 500;
const KEPT = 20;
const KILLS = 3;

(canMount ? test : test.skip)('T-238 D-35 kill -9 in the middle of a pass leaves index and files in agreement, and the next pass ends the work', async () => {
  const fill = Array.from({ length: MODELS }, (_, n) => ({ id: `model-${n}`, bytes: 4_000 + n, ...(n < KEPT ? {} : { retiredDaysAgo: 1 }) }));
  const disk = await startSmallDisk({ sizeMiB: 16, gc: { min_free_gb: 0, retention_rules: [{ DeleteRetired: { after_days: 0 } }] }, fill });
  try {
    const { corral } = disk.system;
    let left = MODELS;
    let interrupted = 0;
    for (let n = 0; n < KILLS && left > KEPT; n += 1) {
      const { poolManagerd } = await processesOf(corral);
      const pass = fetch(new URL('/v2/gc', corral.poolUrl), { method: 'POST' }).then((answer) => answer.status, () => null);
      const enough = left - 1 - Math.floor(Math.random() * 60);
      // One look after the other: between two that are apart a quick machine may end the whole pass.
      const isEnough = async (): Promise<boolean> => (await disk.onDisk().catch(() => ({ ids: { length: left } }))).ids.length <= enough;
      const isDone = pass.then(() => true);
      while (!(await Promise.race([isDone, isEnough()])));
      process.kill(poolManagerd, 'SIGKILL');
      if ((await pass) === null) interrupted += 1;
      await eventually('the node is back', 120_000, async () => {
        const back = await processesOf(corral);
        return back.poolManagerd !== poolManagerd && (await fetch(new URL('/health', corral.poolUrl)).then(({ ok }) => ok, () => false));
      });
      const found = await disk.onDisk();
      expect([found.contradictions, found.marked]).toEqual([[], []]);
      left = found.ids.length;
    }
    expect(interrupted).toBeGreaterThan(0);
    await eventually('a pass ends the work', 120_000, async () => (await fetch(new URL('/v2/gc', corral.poolUrl), { method: 'POST' })).status === 200);
    const end = await disk.onDisk();
    expect({ ...end, ids: end.ids.length }).toEqual({ ids: KEPT, marked: [], contradictions: [] });
  } finally {
    await disk.stop();
  }
}, 600_000);
