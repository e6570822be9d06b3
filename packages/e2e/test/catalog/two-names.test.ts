import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startSystem, type System } from '../faults/served-system.js';
import { call, tiny, type Tiny } from '../served.js';

const LONG = 600_000;

let model: Tiny;
let system: System;

beforeAll(async () => {
  model = await tiny({ mode: 'chain' });
  system = await startSystem({ models: { one: model.model, two: model.model } });
}, LONG);

afterAll(async () => {
  await system?.stop();
  await model?.remove();
}, LONG);

test('T-257 C-145 two names of one file answer both, one after the other and at once', async () => {
  const ask = async (name: string) => (await call(system.corral.url, 'POST', '/v1/completions', { model: name, prompt: 'a', max_tokens: 3, temperature: 0 })).body;
  const texts = [];
  for (const name of ['one', 'two', 'one']) texts.push(await ask(name));
  texts.push(...(await Promise.all([ask('two'), ask('one')])));
  const [first] = texts;
  expect(first).toMatchObject({ choices: [{ text: expect.any(String) }] });
  expect(texts.map(({ choices }) => choices)).toEqual(texts.map(() => first?.['choices']));
}, LONG);
