import { expect, test } from '@jest/globals';
import { recordingLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aCommand } from '@corral/test-kit/conformance';
import type { Assignment } from '@corral/contracts';
import { EventIntake } from './event-intake.js';
import type { Journal } from './journal.js';

/** An intake over a journal that writes when it is let, and says how much it wrote at once. */
function anIntake() {
  const writes: number[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const journal = {
    take: (assignments: readonly Assignment[]) =>
      new Promise((resolve, reject) => {
        writes.push(assignments.map(({ generation }) => generation));
        ends.push((error) => (error === undefined ? resolve(assignments.map(() => ({ kind: 'accepted' }))) : reject(error)));
      }),
  } as Pick<Journal, 'take'>;
  const intake = new EventIntake({ journal, clock: new FakeClock(7_000), log: recordingLog().log, onTaken: () => undefined });
  return { intake, writes, ends };
}

const command = (generation: number) => aCommand({ generation });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('E-39 events that come while the journal is written share its next write, in order', async () => {
  const { intake, writes, ends } = anIntake();
  expect(intake.lastEventMs).toBeNull();
  const taken = [1, 2, 3].map((generation) => intake.takeOne(command(generation)));
  await turn();
  expect(writes).toEqual([[1]]);
  ends[0]?.();
  await turn();
  expect(writes).toEqual([[1], [2, 3]]);
  ends[1]?.();
  expect((await Promise.all(taken)).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
  expect(intake.lastEventMs).toBe(7_000);
});

test('E-36 events that cannot be kept are not taken, and later ones are tried anew', async () => {
  const { intake, writes, ends } = anIntake();
  const first = intake.takeOne(command(1));
  const second = intake.takeOne(command(2));
  await turn();
  ends[0]?.(new Error('no space left on device'));
  await expect(first).rejects.toMatchObject({ code: 'EVENT_BUS_UNAVAILABLE' });
  await turn();
  ends[1]?.();
  expect([(await second).outcome, writes]).toEqual(['accepted', [[1], [2]]]);
});

test('C-83 garbage is told apart without a write', async () => {
  const { intake, writes } = anIntake();
  expect([(await intake.takeOne(null)).outcome, (await intake.takeOne({ type: 'of.the_future' })).outcome, writes]).toEqual(['malformed', 'ignored', []]);
});
