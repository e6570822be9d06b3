import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Id, validator } from '@corral/contracts';
import { configHashOf, implicitInstanceId } from './implicit-instance.js';

const isId = validator(Id);
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,200}$/);

describe('implicitInstanceId', () => {
  test('F-26 names that an id can hold stay readable, others are escaped, long ones hashed', () => {
    expect(implicitInstanceId('route', 'chat-small')).toBe('route.chat-small');
    expect(implicitInstanceId('model', 'hf:org/tiny_v1')).toBe('model-x.hf_3Aorg_2Ftiny_5Fv1');
    expect(implicitInstanceId('model', `${'x'.repeat(130)}`)).toMatch(/^model-h\.[0-9a-f]{64}$/);
  });

  test('F-26 every name gives an id, and two names never the same', () => {
    fc.assert(
      fc.property(fc.constantFrom('route' as const, 'model' as const), name, fc.constantFrom('route' as const, 'model' as const), name, (ofA, a, ofB, b) => {
        expect(isId(implicitInstanceId(ofA, a)).ok).toBe(true);
        expect(implicitInstanceId(ofA, a) === implicitInstanceId(ofB, b)).toBe(ofA === ofB && a === b);
      }),
      { numRuns: 500 },
    );
  });

  test('F-26 escaping cannot be imitated', () => {
    const names = ['a/b', 'a_2Fb', 'a_2fb', 'a:b', 'x.a_2Fb', 'x.a/b'];
    expect(new Set(names.map((one) => implicitInstanceId('model', one))).size).toBe(names.length);
  });
});

test('B-122 the config hash is that of the config with sorted keys, and of nothing else', () => {
  const hash = configHashOf({ temperature: 0.2, stop: ['x'] });
  expect(hash).toBe(createHash('sha256').update('{"stop":["x"],"temperature":0.2}').digest('hex').slice(0, 16));
  expect(configHashOf({ stop: ['x'], temperature: 0.2 })).toBe(hash);
  expect(new Set([hash, configHashOf({ temperature: 0.3, stop: ['x'] }), configHashOf({ stop: ['x'] }), configHashOf({})]).size).toBe(4);
});
