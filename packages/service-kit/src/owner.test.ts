import { expect, test } from '@jest/globals';
import { Owner, type Machine } from './owner.js';

type Event = { readonly type: 'add'; readonly n: number } | { readonly type: 'twice' } | { readonly type: 'break' };

function setup(inboxMax?: number) {
  const steps: string[] = [];
  const crashes: unknown[] = [];
  const machine: Machine<number, Event, 'post_two_ones'> = {
    step: (state, event) => {
      if (event.type === 'break') throw new Error('broken invariant');
      if (event.type === 'twice') return { next: state, effects: ['post_two_ones'] };
      return event.n === 0 ? { next: state, effects: [], ignored: 'zero' } : { next: state + event.n, effects: [] };
    },
    perform: (_effect, post) => {
      post({ type: 'add', n: 1 });
      post({ type: 'add', n: 1 });
    },
    onStep: (from, event, to, ignored) => steps.push(`${from} ${event.type} ${to}${ignored === undefined ? '' : ` (${ignored})`}`),
    onCrash: (error) => crashes.push(error),
  };
  return { owner: new Owner(0, machine, inboxMax), steps, crashes };
}

test('P-69 events are stepped in order, and what an effect posts comes after the step that asked for it', () => {
  const { owner, steps } = setup();
  owner.post({ type: 'twice' });
  owner.post({ type: 'add', n: 0 });
  expect(owner.state).toBe(2);
  expect(steps).toEqual(['0 twice 0', '0 add 1', '1 add 2', '2 add 2 (zero)']);
});

test('P-69 a crashed owner says so once and takes nothing more', () => {
  const { owner, crashes } = setup();
  expect(() => owner.post({ type: 'break' })).toThrow('broken invariant');
  expect(() => owner.post({ type: 'add', n: 1 })).toThrow('the daemon must end');
  expect({ state: owner.state, crashes: crashes.map(String) }).toEqual({ state: 0, crashes: ['Error: broken invariant'] });
});

test('P-69 a full inbox refuses', () => {
  expect(() => setup(1).owner.post({ type: 'twice' })).toThrow('owner inbox is full (1)');
});
