import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { eventually, startRabbit, type Rabbit } from '@corral/test-kit';
import { processesOf } from '../faults/processes.js';
import { residentPid, startSystem, type System } from '../faults/served-system.js';
import { call, tiny, type Tiny } from '../served.js';

const SOON_MS = 180_000;
const LONG = 600_000;
const RELOAD_KEY = 'a-key-for-reloads';

let rabbit: Rabbit;
let system: System;
let models: readonly Tiny[] = [];
let client: ChannelModel;
let stranger: Channel;

beforeAll(async () => {
  rabbit = await startRabbit();
  models = [await tiny({ mode: 'chain' }), await tiny({ mode: 'chain', sizeBytes: 2_000_000 })];
  system = await startSystem({ models: { one: models[0]?.model ?? {}, two: models[1]?.model ?? {} }, env: { AMQP_URL: rabbit.url, ORCHESTRATOR_API_KEYS: RELOAD_KEY } });
  for (const [instance_id, model] of [['a', 'one'], ['b', 'two'], ['c', 'two']]) {
    expect((await call(url(), 'POST', '/api/orgs/default/instances', { instance_id, model, tier: 'cold' })).status).toBe(201);
  }
  await eventually('the node reads its queue', SOON_MS, async () => (await nodes())[0]?.consumer_connected);
  await joined();
}, LONG);

afterAll(async () => {
  await client?.close().catch(() => undefined);
  await system?.stop();
  await rabbit?.remove();
  for (const model of models) await model.remove();
}, LONG);

const url = (): string => system.corral.url;

interface NodeSeen {
  readonly node_id: string;
  readonly consumer_connected: boolean;
}

async function nodes(): Promise<readonly NodeSeen[]> {
  return (await call(url(), 'GET', '/v2/nodes')).body['data'] as readonly NodeSeen[];
}

/** A stock client that hears everything: queues of its own, which keep what comes until it is asked for. */
async function joined(): Promise<void> {
  client = await connect(rabbit.url);
  client.on('error', () => undefined);
  stranger = await client.createChannel();
  stranger.on('error', () => undefined);
  await stranger.assertQueue('test.commands', { durable: true });
  await stranger.bindQueue('test.commands', 'corral.commands', 'orchestrator.#');
  await stranger.assertQueue('test.events', { durable: true });
  await stranger.bindQueue('test.events', 'corral.events', '#');
}

/** What lies in a queue of the stock client. */
async function heard(queue: string): Promise<readonly GetMessage[]> {
  const messages: GetMessage[] = [];
  for (let next = await stranger.get(queue, { noAck: true }); next !== false; next = await stranger.get(queue, { noAck: true })) messages.push(next);
  return messages;
}

/** A manifest that cannot be served, then the one that is served already. */
async function reloadTwice(): Promise<void> {
  const manifest = join(system.corral.stateDir, 'corral.manifest.json');
  const text = await readFile(manifest, 'utf8');
  for (const [next, status] of [['{"version": 1, "routes": {"a": {"model": "nothing"}}}', 500], [text, 200]] as const) {
    await writeFile(manifest, next);
    expect((await call(url(), 'POST', '/admin/reload', undefined, RELOAD_KEY)).status).toBe(status);
  }
}

const act = (instance: string, action: 'load' | 'unload') => call(url(), 'POST', `/api/orgs/default/instances/${instance}/${action}`);
const chat = (instance: string) => call(url(), 'POST', '/v1/completions', { model: instance, prompt: 'a', max_tokens: 3 });

async function isReady(instance: string): Promise<boolean> {
  return (await call(url(), 'GET', `/api/orgs/default/instances/${instance}`)).body['is_ready'] === true;
}

async function residencyOf(instance: string): Promise<unknown> {
  return (await call(url(), 'GET', `/api/orgs/default/instances/${instance}`)).body['residency'];
}

const bodyOf = ({ content }: GetMessage) => JSON.parse(content.toString()) as { readonly type: string; readonly data: { readonly instance_id: string; readonly org_id: string; readonly tier: string; readonly generation: number } };

test('T-91 E-01 E-07 the load event is on the exchange before the 202, and what the node did is told there too', async () => {
  const nodeId = (await nodes())[0]?.node_id;
  const answer = await act('a', 'load');
  // Asked after the 202 and answered from what the broker had by then.
  const [command] = await heard('test.commands');
  expect(answer).toMatchObject({ status: 202, body: { instance_id: 'a', tier: 'cold' } });
  if (command === undefined) throw new Error('no command was on the exchange when the 202 came');
  expect(command.fields.routingKey).toBe(`orchestrator.load.${nodeId}`);
  expect(bodyOf(command)).toMatchObject({ type: 'orchestrator.load', data: { instance_id: 'a', org_id: 'default', tier: 'cold', source: 'api_load', target: { node_id: nodeId } } });
  await eventually('it is ready', SOON_MS, () => isReady('a'));
  expect((await chat('a')).status).toBe(200);
  await eventually('the node told it', SOON_MS, async () => (await heard('test.events')).some((event) => event.fields.routingKey === 'instance.loaded' && bodyOf(event).data.instance_id === 'a'));
  const { body } = await call(url(), 'GET', '/api/admin/health');
  expect(body['event_bus']).toMatchObject({ mode: 'rabbitmq', connected: true });
}, LONG);

test('T-95 T-96 C-82 C-83 garbage and repetitions on the queue change nothing, and garbage is kept as dead letters', async () => {
  const pid = await residentPid(system.corral, 'one');
  await act('b', 'load');
  await eventually('b is ready', SOON_MS, () => isReady('b'));
  const other = await residentPid(system.corral, 'two');
  const [load] = (await heard('test.commands')).filter((message) => bodyOf(message).data.instance_id === 'b' && bodyOf(message).type === 'orchestrator.load');
  if (load === undefined) throw new Error('no load was heard');
  const queue = load.fields.routingKey.replace('orchestrator.load', 'corral.node');
  for (const garbage of ['', 'no json', '{}', '{"type":"orchestrator.load","data":7}']) stranger.sendToQueue(queue, Buffer.from(garbage));
  for (let n = 0; n < 3; n += 1) stranger.publish('corral.commands', load.fields.routingKey, load.content, { persistent: true });
  await act('c', 'load');
  await eventually('c is ready', SOON_MS, () => isReady('c'));
  expect([await residentPid(system.corral, 'one'), await residentPid(system.corral, 'two')]).toEqual([pid, other]);
  await eventually('the garbage is among the dead letters', SOON_MS, async () => ((await stranger.checkQueue('corral.dead')).messageCount === 4));
}, LONG);

test('T-99 E-10 a load that comes again after its unload does not win', async () => {
  await heard('test.commands');
  await act('b', 'unload');
  await act('b', 'load');
  await act('b', 'unload');
  const commands = await eventually('the commands are heard', SOON_MS, async () => {
    const all = (await heard('test.commands')).filter((message) => bodyOf(message).data.instance_id === 'b');
    return all.length > 0 && all;
  });
  for (const message of commands.toReversed()) stranger.publish('corral.commands', message.fields.routingKey, message.content);
  await act('c', 'unload');
  await eventually('neither is resident', SOON_MS, async () => !(await isReady('b')) && !(await isReady('c')));
  await act('a', 'load');
  await eventually('what came again has been taken', SOON_MS, () => isReady('a'));
  expect(await isReady('b')).toBe(false);
}, LONG);

test('T-124 E-13 both ends of a manifest reload are on the exchange under one routing key', async () => {
  const manifest = join(system.corral.stateDir, 'corral.manifest.json');
  const text = await readFile(manifest, 'utf8');
  await heard('test.events');
  const told: GetMessage[] = [];
  const until = (count: number) =>
    eventually(`${count} reloads are told`, SOON_MS, async () => {
      told.push(...(await heard('test.events')).filter(({ fields }) => fields.routingKey === 'orchestrator.manifest'));
      return told.length === count;
    });
  await writeFile(manifest, '{"version": 1, "routes": {"a": {"model": "nothing"}}}');
  system.corral.kill('SIGHUP');
  await until(1);
  await writeFile(manifest, text);
  system.corral.kill('SIGHUP');
  await until(2);
  expect(told.map((message) => JSON.parse(message.content.toString()) as object)).toEqual([
    expect.objectContaining({ type: 'orchestrator.reload_failed', source: 'orchestratord', data: expect.objectContaining({ source: 'signal', error_kind: 'validation', error: expect.stringContaining('nothing') }) }),
    expect.objectContaining({ type: 'orchestrator.reload_succeeded', source: 'orchestratord', data: expect.objectContaining({ source: 'signal', manifest_hash: expect.any(String) }) }),
  ]);
}, LONG);

test('T-270 E-41 what operators mean for a model is on the exchange once per change, with who meant it', async () => {
  await heard('test.events');
  const model = '/v2/catalog/models/meant';
  const { status } = await call(url(), 'POST', '/v2/catalog/models', { id: 'meant', source_url: `file:${models[0]?.path}` });
  expect(status).toBe(201);
  for (const [method, path, body] of [['PUT', '/pin'], ['PUT', '/pin'], ['DELETE', '/pin'], ['PATCH', '/state', { state: 'Retired' }], ['DELETE', '?purge=true']] as const) {
    expect((await call(url(), method, `${model}${path}`, body)).status).toBeLessThan(300);
  }
  const told: GetMessage[] = [];
  await eventually('the deletion is told', SOON_MS, async () => {
    told.push(...(await heard('test.events')).filter(({ fields }) => fields.routingKey.startsWith('catalog.intent_')));
    return told.some(({ fields }) => fields.routingKey === 'catalog.intent_deleted');
  });
  const { data: audits } = (await call(url(), 'GET', '/api/admin/audit?limit=20')).body as { readonly data: readonly { readonly action: string; readonly actor: string; readonly correlation_id: string }[] };
  const events = told.map(({ fields, content }) => ({ key: fields.routingKey, event: JSON.parse(content.toString()) as { readonly type: string; readonly source: string; readonly correlationid: string; readonly data: { readonly actor: string } } }));
  const expected = [
    { what: 'registered', from: null, to: { state: 'Active', pinned: false }, changed: [] },
    { what: 'changed', from: { state: 'Active', pinned: false }, to: { state: 'Active', pinned: true }, changed: ['pinned'] },
    { what: 'changed', from: { state: 'Active', pinned: true }, to: { state: 'Active', pinned: false }, changed: ['pinned'] },
    { what: 'changed', from: { state: 'Active', pinned: false }, to: { state: 'Retired', pinned: false }, changed: ['state'] },
    { what: 'deleted', from: { state: 'Retired', pinned: false }, to: null, changed: [] },
  ].map(({ what, ...data }) => [`catalog.intent_${what}`, `catalog.intent_${what}`, 'orchestratord', expect.objectContaining({ model_id: 'meant', ...data })]);
  expect(events.map(({ key, event }) => [key, event.type, event.source, event.data])).toEqual(expected);
  const audited = audits.filter(({ action }) => action.startsWith('model.')).map(({ actor, correlation_id }) => `${actor} ${correlation_id}`);
  expect(audited).toEqual(expect.arrayContaining(events.map(({ event }) => `${event.data.actor} ${event.correlationid}`)));
}, LONG);

test('T-92 T-98 E-09 E-12 while the broker is down loads are refused and change nothing, tasks go on; after its restart loads work', async () => {
  // Its unload may still be drained: what is compared below must be at rest.
  await eventually('b has left', SOON_MS, async () => (await residencyOf('b')) === 'on_disk');
  await rabbit.settle();
  await rabbit.kill();
  const refused = await eventually('the loss is noticed', SOON_MS, async () => {
    const answer = await act('b', 'load');
    return answer.status === 503 && answer;
  });
  expect(refused.body).toMatchObject({ code: 'EVENT_BUS_UNAVAILABLE', retriable: true });
  expect(await residencyOf('b')).toBe('on_disk');
  expect((await chat('a')).status).toBe(200);
  expect((await call(url(), 'GET', '/api/admin/health')).body['event_bus']).toMatchObject({ mode: 'rabbitmq', connected: false, last_error: expect.any(String) });
  await rabbit.start();
  await eventually('a load is taken', SOON_MS, async () => (await act('b', 'load')).status === 202);
  await eventually('b is ready', SOON_MS, () => isReady('b'));
  expect((await chat('b')).status).toBe(200);
  await joined();
}, LONG);

test('T-218 a broker that is killed right after the 202 of a load: it is loaded all the same, and what the node told then is on the exchange later', async () => {
  await act('b', 'unload');
  await eventually('b is not resident', SOON_MS, async () => !(await isReady('b')));
  await heard('test.events');
  await rabbit.settle();
  const { status } = await act('b', 'load');
  await rabbit.kill();
  expect(status).toBe(202);
  await eventually('b is ready', SOON_MS, () => isReady('b'));
  await rabbit.start();
  await joined();
  await eventually('the load is told', SOON_MS, async () => (await heard('test.events')).some((event) => bodyOf(event).type === 'instance.loaded' && bodyOf(event).data.instance_id === 'b'));
}, LONG);

test('T-219 T-271 E-42 an orchestratord that is killed while a command, reloads and a change of the catalog wait for the broker publishes them once both are back', async () => {
  // The daemons come back to the broker each in its own time.
  await eventually('an unload is taken', SOON_MS, async () => (await act('b', 'unload')).status === 202);
  await eventually('two is not resident', SOON_MS, async () => !(await isReady('b')));
  await heard('test.commands');
  await rabbit.settle();
  await rabbit.kill();
  await eventually('the loss is noticed', SOON_MS, async () => ((await call(url(), 'GET', '/api/admin/health')).body['event_bus'] as { readonly connected: boolean }).connected === false);
  // A request for the model itself may load it: its node learns it from its full set.
  expect((await eventually('it is answered', SOON_MS, async () => {
    const answer = await call(url(), 'POST', '/v1/completions', { model: 'two', prompt: 'a', max_tokens: 3 });
    return answer.status === 200 && answer;
  })).status).toBe(200);
  await reloadTwice();
  expect((await call(url(), 'POST', '/v2/catalog/models', { id: 'unheard', source_url: `file:${models[0]?.path}` })).status).toBe(201);
  const { orchestratord } = await processesOf(system.corral);
  process.kill(orchestratord, 'SIGKILL');
  await rabbit.start();
  await joined();
  const told: string[] = [];
  const listen = async () => {
    told.push(...(await heard('test.events')).map((message) => bodyOf(message).type).filter((type) => /reload|intent/.test(type)));
    return told.length;
  };
  await eventually('what waited is on the exchange', SOON_MS, async () => (await listen()) >= 3);
  await eventually('the command is on the exchange', SOON_MS, async () => (await heard('test.commands')).some((message) => bodyOf(message).type === 'orchestrator.load' && bodyOf(message).data.instance_id === 'model.two'));
  await eventually('the node is known again', SOON_MS, async () => (await nodes().catch(() => []))[0]?.consumer_connected);
  expect((await call(url(), 'POST', '/v1/completions', { model: 'two', prompt: 'a', max_tokens: 3 })).status).toBe(200);
  await listen();
  expect(told).toEqual(['orchestrator.reload_failed', 'orchestrator.reload_succeeded', 'catalog.intent_registered']);
}, LONG);
