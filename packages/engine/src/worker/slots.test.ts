import { describe, expect, test } from '@jest/globals';
import { Slots } from './slots.js';

const open = new AbortController().signal;
const nothing: never[] = [];

describe('Slots', () => {
  test('C-132 the lowest free slot is taken', async () => {
    const slots = new Slots(3);
    const leases = [await slots.take(open, nothing), await slots.take(open, nothing), await slots.take(open, nothing)];
    leases[2]?.release();
    leases[0]?.release();
    expect([(await slots.take(open, nothing)).slot, (await slots.take(open, nothing)).slot, slots.active]).toEqual([0, 2, 3]);
  });

  test('C-132 the one who waited longest gets a freed slot', async () => {
    const slots = new Slots(2);
    const first = await slots.take(open, nothing);
    await slots.take(open, nothing);
    const waiting = [slots.take(open, nothing), slots.take(open, nothing)];
    first.release();
    expect([(await waiting[0])?.slot, slots.waiting]).toEqual([0, 1]);
  });

  test('C-132 as many may wait as there are slots; the next is refused', async () => {
    const slots = new Slots(1);
    await slots.take(open, nothing);
    void slots.take(open, nothing);
    await expect(slots.take(open, nothing)).rejects.toMatchObject({ code: 'REPLICA_EXHAUSTED' });
  });

  test('C-132 who gives up waiting leaves the list', async () => {
    const slots = new Slots(1);
    const lease = await slots.take(open, nothing);
    const abort = new AbortController();
    const gone = slots.take(abort.signal, nothing);
    abort.abort(new Error('left'));
    await expect(gone).rejects.toThrow('left');
    lease.release();
    expect([slots.active, slots.waiting]).toEqual([0, 0]);
  });

  test('C-132 releasing twice counts once', async () => {
    const slots = new Slots(1);
    const lease = await slots.take(open, nothing);
    lease.release();
    await slots.take(open, nothing);
    lease.release();
    expect(slots.active).toBe(1);
  });

  test('C-160 the slot that can spare the prompt most is taken', async () => {
    const slots = new Slots(3);
    expect((await slots.take(open, [0, 64, 128].map((tokens) => ({ reusableTokens: tokens, heldTokens: tokens })))).slot).toBe(2);
  });

  test('C-160 the slot that rested longest is taken before one that was just used', async () => {
    const slots = new Slots(2);
    const leases = [await slots.take(open, nothing), await slots.take(open, nothing)];
    leases[1]?.release();
    leases[0]?.release();
    expect((await slots.take(open, [64, 64].map((heldTokens) => ({ reusableTokens: 0, heldTokens })))).slot).toBe(1);
  });
});
