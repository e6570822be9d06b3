import { describe, expect, test } from '@jest/globals';
import { Slots } from './slots.js';

const open = new AbortController().signal;

describe('Slots', () => {
  test('C-132 the lowest free slot is taken', async () => {
    const slots = new Slots(3);
    const leases = [await slots.take(open), await slots.take(open), await slots.take(open)];
    leases[2]?.release();
    leases[0]?.release();
    expect([(await slots.take(open)).slot, (await slots.take(open)).slot, slots.active]).toEqual([0, 2, 3]);
  });

  test('C-132 the one who waited longest gets a freed slot', async () => {
    const slots = new Slots(2);
    const first = await slots.take(open);
    await slots.take(open);
    const waiting = [slots.take(open), slots.take(open)];
    first.release();
    expect([(await waiting[0])?.slot, slots.waiting]).toEqual([0, 1]);
  });

  test('C-132 as many may wait as there are slots; the next is refused', async () => {
    const slots = new Slots(1);
    await slots.take(open);
    void slots.take(open);
    await expect(slots.take(open)).rejects.toMatchObject({ code: 'REPLICA_EXHAUSTED' });
  });

  test('C-132 who gives up waiting leaves the list', async () => {
    const slots = new Slots(1);
    const lease = await slots.take(open);
    const abort = new AbortController();
    const gone = slots.take(abort.signal);
    abort.abort(new Error('left'));
    await expect(gone).rejects.toThrow('left');
    lease.release();
    expect([slots.active, slots.waiting]).toEqual([0, 0]);
  });

  test('C-132 releasing twice counts once', async () => {
    const slots = new Slots(1);
    const lease = await slots.take(open);
    lease.release();
    await slots.take(open);
    lease.release();
    expect(slots.active).toBe(1);
  });
});
