import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventEnvelope } from '@corral/contracts';
import { recordingLog, silentLog, systemClock } from '@corral/service-kit';
import { eventually } from '@corral/test-kit';
import { aCommand } from '@corral/test-kit/conformance';
import type { ConsumeMessage } from 'amqplib';
import { AmqpLink } from '../src/amqp/amqp-link.js';
import type { AmqpEventBus } from '../src/amqp/amqp-event-bus.js';
import type { EventTarget, PublishOutcome } from '../src/event-bus.js';
import { aBrokerRig, hostsOf, node, SOON_MS, type BrokerRig } from './broker-rig.js';

let rig: BrokerRig;
beforeAll(async () => {
  rig = await aBrokerRig();
}, 600_000);
afterEach(() => rig.clear(), 600_000);
afterAll(() => rig.close(), 600_000);

const LONG = 600_000;
const CONTROL_PLANE: EventTarget = { kind: 'control_plane' };

/** A publisher that is connected. */
async function aPublisher(options: Partial<Parameters<BrokerRig['bus']>[0]> = {}): Promise<AmqpEventBus> {
  const bus = rig.bus({ self: CONTROL_PLANE, ...options });
  await connected(bus);
  return bus;
}

async function connected(bus: AmqpEventBus): Promise<void> {
  await eventually('the bus is connected', SOON_MS, async () => bus.state().connected);
}

async function untilConfirmed(bus: AmqpEventBus, event: EventEnvelope, target: EventTarget): Promise<void> {
  await eventually('the publish is confirmed', SOON_MS, async () => (await bus.publish(event, target)).kind === 'confirmed');
}

/** Generations of the commands that a bus received, as they came. */
function inbox(bus: AmqpEventBus): number[] {
  const seen: number[] = [];
  bus.subscribe({ 'orchestrator.load': ({ data }) => void seen.push(data.generation) });
  return seen;
}

/** Waits for the next message of a queue. */
async function nextOf(queue: string): Promise<ConsumeMessage> {
  const channel = await (await rig.client()).createChannel();
  return new Promise((resolve) => void channel.consume(queue, (message) => message !== null && resolve(message), { noAck: true }));
}

describe('topology', () => {
  test('E-31 E-01 exchanges, queues, bindings and arguments are those that outsiders rely on', async () => {
    const controlPlane = await aPublisher();
    controlPlane.subscribe({});
    await rig.consuming(controlPlane);
    expect(await controlPlane.publish(aCommand(), node('gpu.1'))).toEqual({ kind: 'confirmed' });
    const table = async (...args: string[]) => (await rig.rabbit.control(...args, '--no-table-headers')).split('\n').filter((line) => line !== '').map((line) => line.split('\t'));
    const exchanges = (await table('list_exchanges', 'name', 'type', 'durable')).filter(([name]) => name?.startsWith('corral'));
    expect(exchanges.toSorted()).toEqual([['corral.commands', 'topic', 'true'], ['corral.dead', 'topic', 'true'], ['corral.events', 'topic', 'true']]);
    const bindings = (await table('list_bindings', 'source_name', 'routing_key', 'destination_name')).filter(([source]) => source?.startsWith('corral'));
    expect(bindings.toSorted()).toEqual([
      ['corral.commands', 'orchestrator.*.gpu.1', 'corral.node.gpu.1'],
      ['corral.dead', '#', 'corral.dead'],
      ['corral.events', 'catalog.#', 'corral.control_plane'],
      ['corral.events', 'instance.#', 'corral.control_plane'],
      ['corral.events', 'orchestrator.manifest', 'corral.control_plane'],
      ['corral.events', 'pool.#', 'corral.control_plane'],
    ]);
    const queues = new Map((await table('list_queues', 'name', 'type', 'arguments')).map(([name = '', type, text = '']) => [name, { type, text }] as const));
    for (const name of ['corral.node.gpu.1', 'corral.control_plane']) {
      const { type, text = '' } = queues.get(name) ?? {};
      expect([type, ['x-single-active-consumer', 'x-delivery-limit', 'x-dead-letter-exchange', 'at-least-once', 'reject-publish', 'x-max-length'].filter((word) => !text.includes(word))]).toEqual(['quorum', []]);
    }
    expect(queues.get('corral.dead')?.type).toBe('quorum');
  }, LONG);

  test('E-01 E-06 a stock client that is bound to orchestrator.# sees the command before its publish is confirmed, as a CloudEvent', async () => {
    const controlPlane = await aPublisher();
    await controlPlane.publish(aCommand(), node('n1'));
    const channel = await (await rig.client()).createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'corral.commands', 'orchestrator.#');
    const seen = new Promise<ConsumeMessage>((resolve) => void channel.consume(queue, (message) => message !== null && resolve(message), { noAck: true }));
    const sent = aCommand({ generation: 3, correlationId: 'corr-3' });
    expect(await controlPlane.publish(sent, node('n1'))).toEqual({ kind: 'confirmed' });
    const { fields, properties, content } = await seen;
    expect(JSON.parse(content.toString())).toEqual(sent);
    expect([fields.routingKey, properties.contentType, properties.deliveryMode, properties.messageId, properties.correlationId, properties.type]).toEqual([
      'orchestrator.load.n1', 'application/cloudevents+json', 2, sent.id, 'corr-3', 'orchestrator.load',
    ]);
  }, LONG);

  test('E-31 a command for a node that has never run waits for it, and so does an event for a control plane', async () => {
    const controlPlane = await aPublisher();
    expect(await controlPlane.publish(aCommand({ generation: 9 }), node('late'))).toEqual({ kind: 'confirmed' });
    const late = rig.bus({ self: node('late') });
    const seen = inbox(late);
    await eventually('the command arrives', SOON_MS, async () => seen.length === 1);
    expect(seen).toEqual([9]);
  }, LONG);

  test('E-31 a queue that exists with other arguments costs its own node alone, and is named', async () => {
    const channel = await (await rig.client()).createChannel();
    await channel.assertQueue('corral.node.odd', { durable: true });
    const controlPlane = await aPublisher();
    const outcomes = await Promise.all([controlPlane.publish(aCommand(), node('odd')), controlPlane.publish(aCommand(), node('even'))]);
    expect(outcomes).toEqual([{ kind: 'unavailable', reason: expect.stringContaining('corral.node.odd') }, { kind: 'confirmed' }]);
  }, LONG);

  test('E-08 what is larger than a message may be is refused', async () => {
    const controlPlane = await aPublisher();
    const huge = aCommand();
    const event = { ...huge, data: { ...huge.data, reason: 'x'.repeat(1_100_000) } };
    expect([(await controlPlane.publish(event, node('n1'))).kind, (await controlPlane.publish(huge, node('n1'))).kind]).toEqual(['refused', 'confirmed']);
  }, LONG);
});

describe('connections that end', () => {
  test('E-33 of several hosts the next one is taken when one goes, and nothing confirmed is lost', async () => {
    const first = await rig.wired(node('n1'));
    const second = await rig.wired(node('n2'));
    const bus = await aPublisher({ hosts: hostsOf(first.wire.port, second.wire.port) });
    await untilConfirmed(bus, aCommand({ generation: 1 }), node('n3'));
    first.wire.cut();
    await untilConfirmed(bus, aCommand({ generation: 2 }), node('n3'));
    const seen = inbox(rig.bus({ self: node('n3') }));
    await eventually('both arrive', SOON_MS, async () => new Set(seen).size === 2);
    expect(new Set(seen)).toEqual(new Set([1, 2]));
  }, LONG);

  test('E-34 a channel that the broker closes is made anew with all that lives on it', async () => {
    let sessions = 0;
    const received: string[] = [];
    const queue = 'corral.test.link';
    const link = new AmqpLink({
      hosts: hostsOf(rig.rabbit.port), name: 'test', clock: systemClock, log: silentLog, random: Math.random,
      open: async (connection, end) => {
        sessions += 1;
        const isFirst = sessions === 1;
        const channel = await connection.createChannel();
        channel.on('error', () => undefined);
        channel.on('close', () => end('the channel was closed'));
        await channel.assertQueue(queue, { durable: true });
        await channel.consume(queue, (message) => {
          if (message === null) return;
          received.push(message.content.toString());
          channel.ack(message);
          // A second acknowledgement is a protocol error.
          if (isFirst) channel.ack(message);
        });
        return channel;
      },
    });
    link.start();
    const sender = await (await rig.client()).createConfirmChannel();
    await eventually('the link is up', SOON_MS, async () => link.session !== null);
    sender.sendToQueue(queue, Buffer.from('one'));
    await eventually('the link was made anew', SOON_MS, async () => sessions === 2 && link.session !== null);
    sender.sendToQueue(queue, Buffer.from('two'));
    await eventually('its consumer is there', SOON_MS, async () => received.includes('two'));
    await link.close();
    expect(link.session).toBeNull();
  }, LONG);

  test('E-34 a consumer that is canceled because its queue was deleted declares it and reads again', async () => {
    const { bus } = await rig.wired(node('n1'));
    const seen = inbox(bus);
    const controlPlane = await aPublisher();
    const channel = await (await rig.client()).createChannel();
    await channel.deleteQueue('corral.node.n1');
    await eventually('it reads again', SOON_MS, async () => {
      await controlPlane.publish(aCommand({ generation: 5 }), node('n1'));
      return seen.includes(5);
    });
    expect(new Set(seen)).toEqual(new Set([5]));
  }, LONG);

  test('E-34 E-12 every connection is closed by the operator: all come back, no error goes unheard', async () => {
    const { bus } = await rig.wired(node('n1'));
    const seen = inbox(bus);
    const controlPlane = await aPublisher();
    let connects = 0;
    controlPlane.onConnected(() => (connects += 1));
    await rig.rabbit.control('close_all_connections', 'maintenance');
    await untilConfirmed(controlPlane, aCommand({ generation: 1 }), node('n1'));
    await eventually('it arrives', SOON_MS, async () => seen.includes(1));
    expect(connects).toBe(1);
  }, LONG);

  test('E-12 T-98 the broker is killed and started again: what was confirmed arrives, and both sides go on without a restart', async () => {
    const controlPlane = await aPublisher();
    const sent = Array.from({ length: 20 }, (_, n) => aCommand({ generation: n + 1 }));
    const outcomes = await Promise.all(sent.map((event) => controlPlane.publish(event, node('n1'))));
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['confirmed']));
    await rig.rabbit.settle();
    await rig.rabbit.kill();
    await eventually('it is noticed', SOON_MS, async () => !controlPlane.state().connected);
    expect(await controlPlane.publish(aCommand(), node('n1'))).toEqual({ kind: 'unavailable', reason: expect.stringContaining(`127.0.0.1:${rig.rabbit.port}`) });
    await rig.rabbit.start();
    const bus = rig.bus({ self: node('n1') });
    const seen = inbox(bus);
    await connected(controlPlane);
    await untilConfirmed(controlPlane, aCommand({ generation: 21 }), node('n1'));
    await eventually('all arrive', SOON_MS, async () => new Set(seen).size === 21);
  }, LONG);

  test('E-02 E-12 a broker that is away at the start is not fatal', async () => {
    const { bus, wire } = await rig.wired(node('n9'));
    wire.cut();
    const { log, lines } = recordingLog();
    const early = rig.bus({ self: CONTROL_PLANE, hosts: hostsOf(wire.port), log });
    await eventually('it has tried', SOON_MS, async () => lines.length > 1);
    expect([early.state().connected, early.state().mode, (await early.publish(aCommand(), node('n1'))).kind]).toEqual([false, 'rabbitmq', 'unavailable']);
    expect(lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual(['broker not connected']);
    wire.restore();
    await connected(early);
    await bus.close();
  }, LONG);
});

describe('publishes that are not confirmed', () => {
  test('E-35 a message that no queue takes is confirmed by the broker and counts as not published; the next one declares the queue again', async () => {
    const controlPlane = await aPublisher();
    await controlPlane.publish(aCommand(), node('n1'));
    const channel = await (await rig.client()).createChannel();
    await channel.deleteQueue('corral.node.n1');
    const again = aCommand();
    const outcomes: PublishOutcome[] = [await controlPlane.publish(again, node('n1')), await controlPlane.publish(again, node('n1'))];
    expect(outcomes).toEqual([{ kind: 'unavailable', reason: 'the broker has no queue for orchestrator.load.n1' }, { kind: 'confirmed' }]);
  }, LONG);

  test('E-38 E-08 a peer that is silent makes a publish unavailable in its own time, and is given up; after that it works', async () => {
    const { bus, wire } = await rig.wired(node('n1'));
    await untilConfirmed(bus, aCommand({ generation: 1 }), node('n2'));
    const quick = rig.bus({ self: CONTROL_PLANE, hosts: hostsOf(wire.port), publishTimeoutMs: 300 });
    await untilConfirmed(quick, aCommand({ generation: 2 }), node('n2'));
    wire.stall();
    expect(await quick.publish(aCommand({ generation: 3 }), node('n2'))).toEqual({ kind: 'unavailable', reason: 'the broker did not confirm within 300 ms' });
    await eventually('missing heartbeats are noticed', SOON_MS, async () => !quick.state().connected && !bus.state().consuming);
    wire.restore();
    await untilConfirmed(quick, aCommand({ generation: 4 }), node('n2'));
  }, LONG);

  test('E-35 publishes under way when the connection breaks are all answered, none confirmed that is not there', async () => {
    const { wire } = await rig.wired(node('n2'));
    const bus = await aPublisher({ hosts: hostsOf(wire.port) });
    await untilConfirmed(bus, aCommand({ generation: 1_000 }), node('n1'));
    const sent = Array.from({ length: 200 }, (_, n) => aCommand({ generation: n + 1 }));
    const under = sent.map((event) => bus.publish(event, node('n1')));
    setImmediate(() => wire.cut());
    const outcomes = await Promise.all(under);
    const confirmed = sent.filter((_, n) => outcomes[n]?.kind === 'confirmed').map(({ data }) => data.generation);
    const seen = inbox(rig.bus({ self: node('n1') }));
    await eventually('what was confirmed is there', SOON_MS, async () => confirmed.every((generation) => seen.includes(generation)) && seen.includes(1_000));
    expect(outcomes.filter(({ kind }) => kind === 'refused')).toEqual([]);
  }, LONG);

  test('E-38 a broker that blocks publishers is told apart, and its state says why until it lets them', async () => {
    const controlPlane = await aPublisher({ publishTimeoutMs: 1_000 });
    await controlPlane.publish(aCommand(), node('n1'));
    await rig.rabbit.control('set_vm_memory_high_watermark', '0.00001');
    try {
      await eventually('publishes are blocked', SOON_MS, async () => (await controlPlane.publish(aCommand(), node('n1'))).kind === 'unavailable' && controlPlane.state().lastError?.includes('blocks publishers'));
      expect(controlPlane.state()).toMatchObject({ connected: false });
    } finally {
      await rig.rabbit.control('set_vm_memory_high_watermark', 'absolute', '1GB');
    }
    await untilConfirmed(controlPlane, aCommand(), node('n1'));
    expect(controlPlane.state()).toMatchObject({ connected: true, lastError: null, lastPublishMs: expect.any(Number) });
  }, LONG);

  test('E-08 after close a publish is unavailable at once, and connections are gone', async () => {
    const controlPlane = await aPublisher();
    await controlPlane.close();
    expect([await controlPlane.publish(aCommand(), node('n1')), controlPlane.state().connected]).toEqual([{ kind: 'unavailable', reason: 'the event bus is closed' }, false]);
    await eventually('no connection is left', SOON_MS, async () => (await rig.rabbit.control('list_connections', 'pid', '--no-table-headers')).trim() === '');
  }, LONG);
});

describe('deliveries', () => {
  test('E-36 C-83 garbage ends among the dead letters, whole, and the consumer goes on', async () => {
    const { bus } = await rig.wired(node('n1'));
    const seen = inbox(bus);
    const channel = await (await rig.client()).createConfirmChannel();
    for (const garbage of ['not json', '\u0000\u0001', '{"type":"orchestrator.load"}']) channel.publish('corral.commands', 'orchestrator.load.n1', Buffer.from(garbage));
    await channel.waitForConfirms();
    const controlPlane = await aPublisher();
    await untilConfirmed(controlPlane, aCommand({ generation: 2 }), node('n1'));
    await eventually('the command arrives', SOON_MS, async () => seen.includes(2));
    const { content, fields, properties } = await nextOf('corral.dead');
    expect([content.toString(), fields.routingKey, properties.headers?.['x-first-death-reason']]).toEqual(['not json', 'orchestrator.load.n1', 'rejected']);
  }, LONG);

  test('E-36 an event that fails again and again ends among the dead letters after the limit, and holds up nothing', async () => {
    const { bus } = await rig.wired(node('n1'));
    let failures = 0;
    const seen: number[] = [];
    bus.subscribe({
      'orchestrator.load': ({ data }) => {
        if (data.generation !== 1) return void seen.push(data.generation);
        failures += 1;
        throw new Error('the disk is full');
      },
    });
    const controlPlane = await aPublisher();
    const poison = aCommand({ generation: 1 });
    await untilConfirmed(controlPlane, poison, node('n1'));
    await untilConfirmed(controlPlane, aCommand({ generation: 2 }), node('n1'));
    await eventually('what follows is handled', SOON_MS, async () => seen.includes(2));
    const { properties } = await nextOf('corral.dead');
    expect([properties.messageId, properties.headers?.['x-first-death-reason'], failures]).toEqual([poison.id, 'delivery_limit', 6]);
  }, LONG);

  test('E-36 what was not acknowledged when the node went comes again to the next one', async () => {
    const first = rig.bus({ self: node('n1') });
    let began = false;
    first.subscribe({
      'orchestrator.load': () => {
        began = true;
        return new Promise<void>(() => undefined);
      },
    });
    const controlPlane = await aPublisher();
    await untilConfirmed(controlPlane, aCommand({ generation: 4 }), node('n1'));
    await eventually('it is being handled', SOON_MS, async () => began);
    await first.close();
    const seen = inbox(rig.bus({ self: node('n1') }));
    await eventually('it comes again', SOON_MS, async () => seen.length > 0);
    expect(seen).toEqual([4]);
  }, LONG);

  test('E-37 of two processes with one node id one reads, and the other takes over when it goes', async () => {
    const [first, second] = [rig.bus({ self: node('n1') }), rig.bus({ self: node('n1') })];
    const seenByFirst = inbox(first);
    await rig.consuming(first);
    const seenBySecond = inbox(second);
    await rig.consuming(second);
    const controlPlane = await aPublisher();
    for (const generation of [1, 2, 3]) await untilConfirmed(controlPlane, aCommand({ generation }), node('n1'));
    await eventually('the first reads', SOON_MS, async () => seenByFirst.length === 3);
    expect(seenBySecond).toEqual([]);
    await first.close();
    await untilConfirmed(controlPlane, aCommand({ generation: 4 }), node('n1'));
    await eventually('the second reads', SOON_MS, async () => seenBySecond.includes(4));
  }, LONG);
});
