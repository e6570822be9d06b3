import { describe, expect, test } from '@jest/globals';
import type { BindingDefinition, BindingKind } from './binding.js';
import { planReload, summaryOf } from './plan-reload.js';
import { stepBinding } from './step-binding.js';

const defined = (id: string, fingerprint: string): BindingDefinition => ({ id, kind: id.split(':')[0] as BindingKind, fingerprint });
const known = (id: string, version: number, fingerprint: string) => ({ id, version, fingerprint });

describe('planReload', () => {
  test('F-03 F-17 what is new, gone, another and the same, each list sorted', () => {
    const plan = planReload({
      current: [known('route:same', 3, 's'), known('route:other', 1, 'o'), known('model:gone', 1, 'g')],
      next: [defined('route:same', 's'), defined('route:z', 'z'), defined('route:other', 'o2'), defined('pool:a', 'a')],
      known: [],
    });
    expect(plan).toEqual({
      added: [{ ...defined('pool:a', 'a'), version: 1 }, { ...defined('route:z', 'z'), version: 1 }],
      modified: [{ ...defined('route:other', 'o2'), version: 2 }],
      removed: ['model:gone'],
      unchanged: ['route:same'],
    });
    expect(summaryOf(plan)).toEqual({ added: ['pool:a', 'route:z'], modified: ['route:other'], removed: ['model:gone'], unchanged: ['route:same'] });
  });

  test('F-16 a definition that is known has its version again, another one the next after the highest', () => {
    const earlier = [known('route:a', 1, 'one'), known('route:a', 2, 'two'), known('route:a', 7, 'seven')];
    const versionOf = (fingerprint: string) => planReload({ current: [known('route:a', 7, 'seven')], next: [defined('route:a', fingerprint)], known: earlier }).modified[0]?.version;
    expect([versionOf('one'), versionOf('two'), versionOf('eight')]).toEqual([1, 2, 8]);
    expect(planReload({ current: [], next: [defined('route:a', 'two')], known: earlier }).added).toEqual([{ ...defined('route:a', 'two'), version: 2 }]);
  });

  test('F-19 the same manifest changes nothing', () => {
    const plan = planReload({ current: [known('route:a', 2, 'x')], next: [defined('route:a', 'x')], known: [] });
    expect(plan).toEqual({ added: [], modified: [], removed: [], unchanged: ['route:a'] });
  });
});

describe('stepBinding', () => {
  test('F-05 F-16 what is retired ends with its last request, and refuses new ones', () => {
    expect(stepBinding({ state: 'registering', inFlight: 0 }, 'activate')).toEqual({ state: 'active', inFlight: 0 });
    expect(stepBinding({ state: 'registering', inFlight: 0 }, 'accept')).toBeNull();
    expect(stepBinding({ state: 'active', inFlight: 0 }, 'accept')).toEqual({ state: 'active', inFlight: 1 });
    expect(stepBinding({ state: 'active', inFlight: 2 }, 'retire')).toEqual({ state: 'draining', inFlight: 2 });
    expect(stepBinding({ state: 'draining', inFlight: 2 }, 'accept')).toBeNull();
    expect(stepBinding({ state: 'draining', inFlight: 2 }, 'end')).toEqual({ state: 'draining', inFlight: 1 });
    expect(stepBinding({ state: 'draining', inFlight: 1 }, 'end')).toEqual({ state: 'terminated', inFlight: 0 });
    expect(stepBinding({ state: 'active', inFlight: 0 }, 'retire')).toEqual({ state: 'terminated', inFlight: 0 });
    expect(stepBinding({ state: 'draining', inFlight: 1 }, 'activate')).toEqual({ state: 'active', inFlight: 1 });
    expect(stepBinding({ state: 'active', inFlight: 0 }, 'end')).toBeNull();
  });
});
