import { describe, expect, test } from '@jest/globals';
import type { Priority } from './priority.js';
import { TaskQueue, type FullPolicy } from './task-queue.js';

/** A queue of interactive tasks `i…` and batch tasks `b…`, all of model `m` where no other is named (`i1:x`). */
function aQueue(ids: string, capacity = 8, fullPolicy: FullPolicy = 'reject'): TaskQueue {
  const queue = new TaskQueue({ capacity, fullPolicy });
  for (const id of ids.split(' ').filter(Boolean)) add(queue, id);
  return queue;
}

function add(queue: TaskQueue, text: string, arrivalSeq?: number): string {
  const [id = '', modelKey = 'm'] = text.split(':');
  const priority: Priority = id.startsWith('i') ? 'interactive' : 'batch';
  const admission = queue.enqueue({ id, priority, modelKey, ...(arrivalSeq === undefined ? {} : { arrivalSeq }) });
  if (admission.kind !== 'admitted') return admission.kind;
  return [`at ${admission.position}`, ...admission.evicted.map((task) => `-${task.id}`)].join(' ');
}

const contents = (queue: TaskQueue): string =>
  [...queue.snapshot('interactive'), ...queue.snapshot('batch')].map((task) => task.id).join(' ');
const heads = (queue: TaskQueue): string =>
  queue
    .heads()
    .map((task) => `${task.id}:${task.modelKey}`)
    .join(' ');

describe('TaskQueue', () => {
  test('A-70 interactive goes first, and each class in order of arrival', () => {
    const queue = aQueue('b1 i1 b2 i2');
    expect(Array.from({ length: 5 }, () => queue.dequeue()?.id ?? null)).toEqual(['i1', 'i2', 'b1', 'b2', null]);
  });

  test('A-71 every operation on one queue', () => {
    const queue = aQueue('b1 i1 b2 i2:x');
    expect(queue.enqueue({ id: 'i3', priority: 'interactive', modelKey: 'm' })).toEqual({
      kind: 'admitted',
      task: { id: 'i3', priority: 'interactive', modelKey: 'm', arrivalSeq: 4 },
      position: 2,
      evicted: [],
    });
    expect(queue.take('b1')).toEqual({ id: 'b1', priority: 'batch', modelKey: 'm', arrivalSeq: 0 });
    expect({
      len: queue.len,
      capacity: queue.capacity,
      fullPolicy: queue.fullPolicy,
      depth: [queue.depth('interactive'), queue.depth('batch')],
      waiting: [queue.waiting('interactive', 'm'), queue.waiting('interactive', 'x'), queue.waiting('batch', 'x')],
      contents: contents(queue),
      taken: queue.take('b1'),
    }).toEqual({ len: 4, capacity: 8, fullPolicy: 'reject', depth: [3, 1], waiting: [2, 1, 0], contents: 'i1 i2 i3 b2', taken: null });
  });

  test('A-71 cancel is idempotent, anywhere in the queue', () => {
    const queue = aQueue('i1 i2 i3 b1');
    expect([queue.cancel('i2'), queue.cancel('i2'), queue.cancel('never'), queue.cancel('b1'), queue.cancel('i3')]).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
    expect([contents(queue), add(queue, 'i4'), contents(queue)]).toEqual(['i1', 'at 1', 'i1 i4']);
  });

  test('A-71 a task that is queued already stays where it is', () => {
    const queue = aQueue('i1 i2 b1');
    expect(queue.enqueue({ id: 'i2', priority: 'batch', modelKey: 'other' })).toEqual({
      kind: 'already_queued',
      task: { id: 'i2', priority: 'interactive', modelKey: 'm', arrivalSeq: 1 },
      position: 1,
    });
    expect(contents(queue)).toBe('i1 i2 b1');
  });

  test('A-76 a cancelled task is never served', () => {
    const queue = aQueue('i1 i2');
    queue.cancel('i1');
    expect([heads(queue), queue.take('i1'), queue.dequeue()?.id, queue.dequeue()]).toEqual(['i2:m', null, 'i2', null]);
  });

  test('A-76 the order is class, then arrival, then id, whatever the order of enqueueing', () => {
    const queue = new TaskQueue({ capacity: 8, fullPolicy: 'reject' });
    const answers = [
      add(queue, 'b9', 1),
      add(queue, 'i7', 5),
      add(queue, 'i4', 5),
      add(queue, 'i5', 3),
      add(queue, 'i10', 5),
      add(queue, 'i6'),
    ];
    expect([answers, contents(queue)]).toEqual([['at 0', 'at 0', 'at 0', 'at 0', 'at 1', 'at 4'], 'i5 i10 i4 i7 i6 b9']);
  });

  test('A-76 a task that is put back keeps its place, and fits whatever the capacity', () => {
    const queue = aQueue('i1 i2 i3', 3, 'drop-lru');
    const [first, second] = [queue.dequeue(), queue.dequeue()];
    add(queue, 'i4');
    add(queue, 'i5');
    const positions = [second, first, first].map((task) => task && queue.restore(task));
    expect([positions, contents(queue), add(queue, 'i6'), contents(queue)]).toEqual([
      [0, 0, 0],
      'i1 i2 i3 i4 i5',
      'at 2 -i1 -i2 -i3',
      'i4 i5 i6',
    ]);
  });

  test('A-78 positions are counted within the class, and what goes first across classes', () => {
    const queue = aQueue('b1 i1 b2 i2');
    const ids = ['i1', 'i2', 'b1', 'b2', 'none'];
    expect([ids.map((id) => queue.position(id)), ids.map((id) => queue.ahead(id))]).toEqual([
      [0, 1, 0, 1, null],
      [0, 1, 2, 3, null],
    ]);
  });
});

describe('heads', () => {
  test('A-70 the oldest of every class and model, by class and arrival', () => {
    expect(heads(aQueue('b1:y i1:x b2:x i2:x i3:y b3:y i4:z'))).toBe('i1:x i3:y i4:z b1:y b2:x');
  });

  test('A-70 the head of a model that is not loaded does not hide one that is', () => {
    const queue = aQueue('i1:cold i2:cold i3:hot');
    expect([heads(queue), queue.take('i3')?.id, heads(queue)]).toEqual(['i1:cold i3:hot', 'i3', 'i1:cold']);
  });

  test('A-70 the next of a model steps up when its head leaves', () => {
    const queue = aQueue('i1:x i2:y i3:x');
    queue.take('i1');
    expect(heads(queue)).toBe('i2:y i3:x');
  });
});

describe('a full queue', () => {
  test('A-73 reject: the newcomer is refused, with the policy, and the queue is as before', () => {
    const queue = aQueue('i1 b1', 2);
    expect(queue.enqueue({ id: 'i2', priority: 'interactive', modelKey: 'm' })).toEqual({
      kind: 'rejected',
      policy: 'reject',
      capacity: 2,
    });
    expect(contents(queue)).toBe('i1 b1');
  });

  test.each<[policy: FullPolicy, before: string, newcomer: string, answer: string, after: string]>([
    ['drop-lru', 'i1 b1 b2', 'i2', 'at 1 -b1', 'i1 i2 b2'],
    ['drop-lru', 'i1 b1 b2', 'b3', 'at 1 -b1', 'i1 b2 b3'],
    ['drop-lru', 'i1 i2 i3', 'b1', 'at 0 -i1', 'i2 i3 b1'],
    ['shed-low-priority', 'i1 b1 b2', 'i2', 'at 1 -b1', 'i1 i2 b2'],
    ['shed-low-priority', 'i1 b1 b2', 'b3', 'rejected', 'i1 b1 b2'],
    ['shed-low-priority', 'i1 i2 i3', 'i4', 'rejected', 'i1 i2 i3'],
  ])('A-74 A-75 %s: with %s queued, %s is %s', (policy, before, newcomer, answer, after) => {
    const queue = aQueue(before, 3, policy);
    expect([add(queue, newcomer), contents(queue)]).toEqual([answer, after]);
  });

  test.each<FullPolicy>(['reject', 'drop-lru', 'shed-low-priority'])('A-72 G-31 with no capacity at all %s refuses', (policy) => {
    const queue = aQueue('', 0, policy);
    expect(queue.enqueue({ id: 'i1', priority: 'interactive', modelKey: 'm' })).toEqual({ kind: 'rejected', policy, capacity: 0 });
  });

  test('A-70 a capacity made smaller evicts nobody until a newcomer meets the policy', () => {
    const queue = aQueue('i1 i2 b1 b2', 4, 'drop-lru');
    queue.setCapacity(2);
    expect([contents(queue), add(queue, 'i3'), contents(queue)]).toEqual(['i1 i2 b1 b2', 'at 1 -b1 -b2 -i1', 'i2 i3']);
  });

  test('A-75 shedding refuses when the batch tasks are not enough, and then sheds none', () => {
    const queue = aQueue('i1 i2 b1', 3, 'shed-low-priority');
    queue.setCapacity(2);
    expect([add(queue, 'i3'), contents(queue)]).toEqual(['rejected', 'i1 i2 b1']);
  });

  test('A-72 the policy can be changed while tasks wait', () => {
    const queue = aQueue('i1 b1', 2);
    queue.setFullPolicy('drop-lru');
    expect([queue.fullPolicy, add(queue, 'i2'), contents(queue)]).toEqual(['drop-lru', 'at 1 -b1', 'i1 i2']);
  });
});
