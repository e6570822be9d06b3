import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Priority } from './priority.js';
import type { QueuedTask } from './task-line.js';
import { TaskQueue, type FullPolicy } from './task-queue.js';

interface Entry {
  readonly id: string;
  readonly priority: Priority;
  readonly modelKey: string;
  readonly arrivalSeq: number;
}

/** The slowest thing that could be right: one sorted array, scanned every time. */
class Oracle {
  entries: Entry[] = [];
  #nextSeq = 0;

  constructor(
    public capacity: number,
    readonly policy: FullPolicy,
  ) {}

  enqueue(id: string, priority: Priority, modelKey: string, given: number | undefined): { admitted: boolean; evicted: readonly string[] } {
    const evicted: string[] = [];
    const before = this.entries;
    while (this.entries.length >= this.capacity) {
      const oldestBatch = this.entries.find((entry) => entry.priority === 'batch');
      const victim =
        this.policy === 'reject' || this.capacity === 0
          ? undefined
          : this.policy === 'drop-lru'
            ? (oldestBatch ?? this.entries[0])
            : priority === 'interactive'
              ? oldestBatch
              : undefined;
      if (victim === undefined) {
        this.entries = before;
        return { admitted: false, evicted: [] };
      }
      evicted.push(victim.id);
      this.entries = this.entries.filter((entry) => entry !== victim);
    }
    this.restore({ id, priority, modelKey, arrivalSeq: given ?? this.#nextSeq });
    return { admitted: true, evicted };
  }

  restore(task: Entry): void {
    if (this.entries.some(({ id }) => id === task.id)) return;
    this.#nextSeq = Math.max(this.#nextSeq, task.arrivalSeq + 1);
    const rank = (entry: Entry): number => (entry.priority === 'interactive' ? 0 : 1);
    this.entries = [...this.entries, task].sort((a, b) => rank(a) - rank(b) || a.arrivalSeq - b.arrivalSeq || (a.id < b.id ? -1 : 1));
  }

  remove(id: string | undefined): string | null {
    const found = this.entries.find((entry) => entry.id === id);
    this.entries = this.entries.filter((entry) => entry !== found);
    return found?.id ?? null;
  }

  heads(): readonly string[] {
    const lane = (entry: Entry): string => `${entry.priority} ${entry.modelKey}`;
    return this.entries.filter((entry, n) => this.entries.findIndex((other) => lane(other) === lane(entry)) === n).map(({ id }) => id);
  }
}

const anyId = fc.nat(40).map((n) => `t${n}`);
const anyCommand = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('enqueue' as const),
      priority: fc.constantFrom<Priority[]>('interactive', 'batch'),
      modelKey: fc.constantFrom('x', 'y', 'z'),
      arrivalSeq: fc.option(fc.nat(40), { nil: undefined, freq: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('dequeue' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('cancel' as const, 'take' as const), id: anyId }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restore' as const), nth: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('resize' as const), capacity: fc.nat(6) }) },
);

describe('TaskQueue, properties', () => {
  test.each<FullPolicy>(['reject', 'drop-lru', 'shed-low-priority'])('A-70 A-74 A-75 A-83 %s agrees with the oracle', (policy) => {
    fc.assert(
      fc.property(fc.nat(6), fc.array(anyCommand, { maxLength: 60 }), (capacity, commands) => {
        const queue = new TaskQueue({ capacity, fullPolicy: policy });
        const oracle = new Oracle(capacity, policy);
        const taken: QueuedTask[] = [];
        commands.forEach((command, n) => {
          switch (command.op) {
            case 'enqueue': {
              const got = queue.enqueue({ id: `t${n}`, ...command });
              const want = oracle.enqueue(`t${n}`, command.priority, command.modelKey, command.arrivalSeq);
              expect({
                admitted: got.kind === 'admitted',
                evicted: got.kind === 'admitted' ? got.evicted.map(({ id }) => id) : [],
              }).toEqual(want);
              if (got.kind === 'admitted') expect(queue.len).toBeLessThanOrEqual(queue.capacity);
              if (got.kind === 'admitted') expect(got.position).toBe(queue.position(`t${n}`));
              break;
            }
            case 'dequeue': {
              const task = queue.dequeue();
              expect(task?.id ?? null).toBe(oracle.remove(oracle.entries[0]?.id));
              if (task !== null) taken.push(task);
              break;
            }
            case 'restore': {
              const task = taken[command.nth];
              if (task === undefined) break;
              oracle.restore(task);
              expect(queue.restore(task)).toBe(queue.position(task.id));
              break;
            }
            case 'take':
              expect(queue.take(command.id)?.id ?? null).toBe(oracle.remove(command.id));
              break;
            case 'cancel':
              expect(queue.cancel(command.id)).toBe(oracle.remove(command.id) !== null);
              break;
            case 'resize':
              queue.setCapacity(command.capacity);
              oracle.capacity = command.capacity;
          }
          expect([...queue.snapshot('interactive'), ...queue.snapshot('batch')]).toEqual(oracle.entries);
          expect(queue.heads().map(({ id }) => id)).toEqual(oracle.heads());
          expect(oracle.entries.map(({ id }) => queue.ahead(id))).toEqual(oracle.entries.map((_, index) => index));
          expect(queue.len).toBe(oracle.entries.length);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('A-77 A-83 nothing vanishes: every admitted task is served, evicted, cancelled or still queued', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<FullPolicy[]>('reject', 'drop-lru', 'shed-low-priority'),
        fc.array(anyCommand, { maxLength: 60 }),
        (policy, commands) => {
          const queue = new TaskQueue({ capacity: 4, fullPolicy: policy });
          const admitted: string[] = [];
          const gone: string[] = [];
          commands.forEach((command, n) => {
            if (command.op === 'enqueue') {
              const got = queue.enqueue({ id: `t${n}`, ...command });
              if (got.kind !== 'admitted') return;
              admitted.push(`t${n}`);
              gone.push(...got.evicted.map(({ id }) => id));
            } else if (command.op === 'dequeue') gone.push(...[queue.dequeue()].flatMap((task) => task?.id ?? []));
            else if (command.op === 'take' || command.op === 'cancel')
              gone.push(...[queue.take(command.id)].flatMap((task) => task?.id ?? []));
          });
          const queued = [...queue.snapshot('interactive'), ...queue.snapshot('batch')].map(({ id }) => id);
          expect([...gone, ...queued].sort()).toEqual(admitted.sort());
        },
      ),
      { numRuns: 300 },
    );
  });
});
