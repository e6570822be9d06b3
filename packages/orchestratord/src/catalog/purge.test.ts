import { expect, test } from '@jest/globals';
import { ApiError, ModelPurged, validator } from '@corral/contracts';
import { connectionError, Operations, silentLog, type HttpClient } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aModelSpec } from '../../test/fixtures.js';
import { aNodeModel } from '../../test/node-fixtures.js';
import { FleetLook } from './fleet-look.js';
import { intentOf, type ModelIntent } from './model-intent.js';
import { beginPurge } from './purge.js';

type Answer = 'removed' | ApiError | Error;

const IN_USE = new ApiError('MODEL_IN_USE', 'model m is in use on this node (it is being fetched)');

/** Nodes that have the model, and answer a removal as the test says; the last answer is given again. */
function aFleet(answers: Readonly<Record<string, Answer[]>>, away: readonly string[] = []) {
  const clock = new FakeClock(1_000);
  const operations = new Operations({ clock, log: silentLog });
  const intent = intentOf(aModelSpec({ model_id: 'm' }), 'api', 0);
  const told: string[] = [];
  const clientOf = (nodeId: string): Pick<HttpClient, 'exchange'> => ({
    exchange: () => {
      const [answer = 'removed', ...rest] = answers[nodeId] ?? [];
      if (rest.length > 0) answers[nodeId]?.shift();
      return answer === 'removed' ? Promise.resolve(undefined as never) : Promise.reject(answer);
    },
  });
  const parts: Parameters<typeof beginPurge>[0] = {
    clock, operations, log: silentLog,
    calls: {
      known: () => ({ spec: aModelSpec({ model_id: 'm' }), origin: 'api', state: 'Active', intent }),
      remove: () => (told.push('removed'), Promise.resolve(intent)),
      restore: (before: ModelIntent) => Promise.resolve(void told.push(before === intent ? 'as it was' : 'another one')),
    },
    served: { current: () => ({ path: null, models: new Map() }) } as unknown as Parameters<typeof beginPurge>[0]['served'],
    nodes: { clientFor: (nodeId: string) => clientOf(nodeId) as HttpClient, refresh: () => Promise.resolve() } as unknown as Parameters<typeof beginPurge>[0]['nodes'],
    look: () => new FleetLook({ places: Object.keys(answers).map((nodeId) => ({ nodeId, online: !away.includes(nodeId), models: [aNodeModel('m')], assignments: [], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null })), pools: [], wanted: [] }),
    instances: () => [],
  };
  const purge = async () => {
    const { operation_id: id } = await beginPurge(parts, 'm', { by: { actor: 'key:k1' } });
    const ended = operations.ended(id);
    for (let n = 0; n < 40; n += 1) await clock.advance(200);
    const operation = await ended;
    expect(checkPurged(operation?.result).ok).toBe(true);
    return { state: operation?.state, code: operation?.error?.code, message: operation?.error?.message, nodes: (operation?.result as ModelPurged | undefined)?.nodes.map(({ node_id, outcome, reason }) => [node_id, outcome, reason]) };
  };
  return { purge, told };
}

const checkPurged = validator(ModelPurged);

test('G-09 A-167 every node is asked whatever another one says, and nodes that are away do it later', async () => {
  const { purge, told } = aFleet({ left: [new ApiError('NOT_FOUND', 'no')], right: ['removed'], gone: [], cut: [connectionError('127.0.0.1:1', Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))] }, ['gone']);
  expect(await purge()).toEqual({ state: 'succeeded', code: undefined, message: undefined, nodes: [['left', 'purged', null], ['right', 'purged', null], ['gone', 'later', 'it does not report'], ['cut', 'later', expect.stringContaining('ECONNREFUSED')]] });
  expect(told).toEqual(['removed']);
});

test('G-09 A-167 where one node keeps the model the rest is purged, the model is as it was, and the same call goes on', async () => {
  const answers: Record<string, Answer[]> = { left: ['removed'], right: [IN_USE], gone: [] };
  const { purge, told } = aFleet(answers, ['gone']);
  expect(await purge()).toEqual({
    state: 'failed',
    code: 'MODEL_IN_USE',
    message: 'node right keeps model m: model m is in use on this node (it is being fetched); it is gone from left, and the same call goes on with the rest',
    nodes: [['left', 'purged', null], ['right', 'kept', IN_USE.message], ['gone', 'kept', expect.stringContaining('stays in the catalog')]],
  });
  expect(told).toEqual(['removed', 'as it was']);
  answers['left'] = [new ApiError('NOT_FOUND', 'no')];
  answers['right'] = [IN_USE, IN_USE, 'removed'];
  expect((await purge()).nodes).toEqual([['left', 'purged', null], ['right', 'purged', null], ['gone', 'later', 'it does not report']]);
  expect(told).toEqual(['removed', 'as it was', 'removed']);
});

test('G-09 A-167 a node that cannot do it is named with its reason, and a file that stayed is not passed over', async () => {
  const { purge } = aFleet({ left: [new ApiError('BAD_TOKEN', 'the token is another one')], right: [new ApiError('CONFLICT', 'its file stayed: read-only; remove it by hand'), new ApiError('NOT_FOUND', 'no')], odd: [new Error('a bug')] });
  expect(await purge()).toMatchObject({ state: 'failed', code: 'NODE_UNAVAILABLE', message: expect.stringContaining('node left could not remove model m: the token is another one; node odd'), nodes: [['left', 'failed', 'the token is another one'], ['right', 'purged', 'its file stayed: read-only; remove it by hand'], ['odd', 'failed', expect.any(String)]] });
});
