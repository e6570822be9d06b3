import { describe, expect, test } from '@jest/globals';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { settled } from '../../test/settled.js';
import { ModelPresence } from './model-presence.js';
import type { EnsureModel } from './model-presence.js';
import { wantedModelKey } from './present-model.js';
import type { PresentModel, WantedModel } from './present-model.js';

const model = (modelId: string): WantedModel => ({ modelId, sources: [`file:/m/${modelId}.gguf`], digest: null });
const present = (modelId: string): PresentModel => ({ modelId, digest: `sha256:${modelId}`, path: `/m/${modelId}.gguf`, sizeBytes: 9, facts: null });
const wish = (modelId: string, generation = 1) => ({ wanted: model(modelId), generation });

interface Call {
  readonly modelId: string;
  readonly signal: AbortSignal;
  resolve(model: PresentModel): void;
  reject(error: Error): void;
}

function setUp() {
  const clock = new FakeClock();
  const calls: Call[] = [];
  const ensure: EnsureModel = ({ modelId }, { signal }) =>
    new Promise((resolve, reject) => {
      calls.push({ modelId, signal, resolve, reject });
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  const presence = new ModelPresence({ ensure, concurrency: 2, retry: { initialMs: 1_000, maxMs: 8_000 }, clock, random: () => 0.5, log: silentLog, onChange: () => {} });
  const phase = (modelId: string) => presence.get(wantedModelKey(model(modelId)))?.phase.state;
  return { clock, calls, presence, phase, at: (n: number) => calls[n] as Call };
}

describe('ModelPresence', () => {
  test('D-68 a model whose file was deleted is not fetched again before somebody asks anew', async () => {
    const { presence, calls, phase, at } = setUp();
    presence.want([wish('a')]);
    at(0).resolve(present('a'));
    await settled();
    presence.release('sha256:a');
    presence.want([wish('a')]);
    expect([phase('a'), presence.get(wantedModelKey(model('a')))?.model, calls.length]).toEqual(['released', null, 1]);
    presence.want([wish('a', 2)]);
    expect([phase('a'), calls.length]).toEqual(['working', 2]);
    // Work that had begun goes on.
    presence.release('sha256:a');
    expect(phase('a')).toBe('working');
    at(1).resolve(present('a'));
    await settled();
    expect(phase('a')).toBe('present');
  });

  test('D-24 a model is worked on once however often it is wanted, and two at a time', async () => {
    const { presence, calls, phase, at } = setUp();
    presence.want([wish('a'), wish('b'), wish('c')]);
    presence.want([wish('a'), wish('b'), wish('c')]);
    expect(calls.map((call) => call.modelId)).toEqual(['a', 'b']);
    at(0).resolve(present('a'));
    await settled();
    expect(calls.map((call) => call.modelId)).toEqual(['a', 'b', 'c']);
    expect([phase('a'), phase('b'), phase('c')]).toEqual(['present', 'working', 'working']);
    await presence.close();
  });

  test('C-14 a failure is tried again after one second, then two, and at once for a newer generation', async () => {
    const { presence, calls, clock, at } = setUp();
    presence.want([wish('a')]);
    at(0).reject(new Error('no route to the host'));
    await settled();
    expect(presence.wakeAtMs()).toBe(1_000);
    await clock.advance(999);
    presence.want([wish('a')]);
    expect(calls.length).toBe(1);
    await clock.advance(1);
    presence.want([wish('a')]);
    expect(calls.length).toBe(2);
    at(1).reject(new Error('no route to the host'));
    await settled();
    expect(presence.wakeAtMs()).toBe(3_000);
    presence.want([wish('a', 2)]);
    expect(calls.length).toBe(3);
    await presence.close();
  });

  test('D-24 a newer generation does not restart what is under way', async () => {
    const { presence, calls, at } = setUp();
    presence.want([wish('a')]);
    presence.want([wish('a', 2)]);
    at(0).resolve(present('a'));
    await settled();
    presence.want([wish('a', 2)]);
    expect([calls.length, at(0).signal.aborted]).toEqual([1, false]);
    await presence.close();
  });

  test('E-10 work that nobody wants any longer is called off and leaves its place to others', async () => {
    const { presence, calls, at } = setUp();
    presence.want([wish('a'), wish('b'), wish('c')]);
    presence.want([wish('b'), wish('c')]);
    expect(at(0).signal.aborted).toBe(true);
    await settled();
    expect(calls.map((call) => call.modelId)).toEqual(['a', 'b', 'c']);
    await presence.close();
  });

  test('C-11 a model that is looked at again keeps its file until then, and loses it not by a failure', async () => {
    const { presence, phase, at } = setUp();
    presence.want([wish('a')]);
    at(0).resolve(present('a'));
    await settled();
    presence.recheck(wantedModelKey(model('a')));
    expect(phase('a')).toBe('working');
    at(1).reject(new Error('the file is gone'));
    await settled();
    const known = presence.get(wantedModelKey(model('a')));
    expect([known?.phase.state, known?.model]).toEqual(['failed', present('a')]);
    await presence.close();
  });
});
