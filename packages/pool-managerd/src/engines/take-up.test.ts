import { expect, test } from '@jest/globals';
import type { StandbyState } from '@corral/engine';
import { systemClock } from '@corral/service-kit';
import { aReplica, loading, REFUSED, resident } from '../../test/a-replica.js';
import type { Replica } from '../replicas/replica.js';
import type { Trial } from './engine-choices.js';
import { takeUp } from './take-up.js';
import type { TakeUpPorts } from './take-up.js';

/** A pool whose replicas follow the trial as `course` says. */
function aStage(before: readonly Replica[], course: (trial: Trial, replicas: readonly Replica[]) => readonly Replica[], idle: readonly (StandbyState | null)[] = [null]) {
  const seen: (string | null)[] = [];
  const phases: string[] = [];
  const chosen: string[] = [];
  let replicas = before;
  const ports: TakeUpPorts = {
    choices: {
      forReplicas: () => 'old',
      try: (trial) => {
        seen.push(trial === null ? null : `${trial.id}${trial.forReplicas ? ' for replicas' : ''}`);
        replicas = trial === null ? before : course(trial, replicas);
      },
      choose: (_kind, id) => Promise.resolve(void chosen.push(id)),
    },
    replicas: () => replicas,
    idle: () => idle,
    clock: systemClock,
    limits: { idleMs: 200, swapMs: 200, backMs: 200 },
  };
  const run = (signal = new AbortController().signal) => takeUp('cpu', 'new', { ...ports, signal, step: ({ phase }) => phases.at(-1) !== phase && phases.push(phase) });
  return { run, seen, phases, chosen };
}

const old = (name: string, over: Partial<Replica> = {}) => aReplica(name, resident, { engineId: 'old', ...over });
const fresh = (name: string, over: Partial<Replica> = {}) => aReplica(name, resident, { engineId: 'new', ...over });

test('D-74 idle workers go first, then replicas, and the choice is kept once all of them serve', async () => {
  const stage = aStage([old('a'), old('b')], (trial) => (trial.forReplicas ? [fresh('a'), fresh('b')] : [old('a'), old('b')]));
  expect(await stage.run()).toBe(2);
  expect([stage.seen, stage.phases, stage.chosen]).toEqual([['new', 'new for replicas'], ['idle workers', 'replicas'], ['new']]);
});

test('D-74 a node without replicas takes it up at once', async () => {
  const stage = aStage([], () => []);
  expect(await stage.run()).toBe(0);
  expect(stage.chosen).toEqual(['new']);
});

test('D-74 a replica that served and does not come up takes everything back', async () => {
  const failed: Replica = fresh('a', { phase: { state: 'failed', sinceMs: 0, failure: REFUSED, retryAtMs: 9 } });
  const stage = aStage([old('a'), old('b')], (trial) => (trial.forReplicas ? [old('a'), failed, old('b')] : [old('a'), old('b')]));
  await expect(stage.run()).rejects.toThrow('replica a of a did not come up on it: it broke');
  expect([stage.seen, stage.phases.at(-1), stage.chosen]).toEqual([['new', 'new for replicas', null], 'going back', []]);
});

test('D-74 one that did not serve before either is no reason to go back', async () => {
  const broken = (engineId: string): Replica => aReplica('b', { state: 'failed', sinceMs: 0, failure: REFUSED, retryAtMs: 9 }, { engineId });
  const stage = aStage([old('a'), broken('old')], (trial) => (trial.forReplicas ? [fresh('a'), broken('new')] : [old('a'), broken('old')]));
  expect(await stage.run()).toBe(1);
  expect(stage.chosen).toEqual(['new']);
});

test('D-74 an idle worker that does not start, and replicas that take too long, take everything back', async () => {
  const idle = aStage([old('a')], () => [old('a')], [{ ready: 0, pids: [], lastError: 'no such file' }]);
  await expect(idle.run()).rejects.toThrow('an idle worker did not start with it: no such file');
  expect([idle.seen, idle.chosen]).toEqual([['new', null], []]);
  const slow = aStage([old('a')], (trial) => (trial.forReplicas ? [old('a'), fresh('a', { phase: loading })] : [old('a')]));
  await expect(slow.run()).rejects.toThrow('its replicas were not ready within 0 s');
  expect([slow.seen.at(-1), slow.chosen]).toEqual([null, []]);
});

test('D-74 one that is called off goes back too', async () => {
  const controller = new AbortController();
  const stage = aStage([old('a')], (trial) => (trial.forReplicas ? [old('a'), fresh('a', { phase: loading })] : [old('a')]));
  const running = stage.run(controller.signal);
  controller.abort(new Error('the daemon stops'));
  await expect(running).rejects.toThrow('the daemon stops');
  expect([stage.seen.at(-1), stage.chosen]).toEqual([null, []]);
});
