import { silentLog, type Log } from '@corral/service-kit';
import { eventually, startRabbit, startTcpProxy, type Rabbit, type TcpProxy } from '@corral/test-kit';
import { connect, type ChannelModel } from 'amqplib';
import { AmqpEventBus, type AmqpEventBusOptions } from '../src/amqp/amqp-event-bus.js';
import { parseAmqpUrls, type AmqpHost } from '../src/amqp/amqp-hosts.js';
import type { EventTarget } from '../src/event-bus.js';

/** Long, since machines that run this are small and shared. */
export const SOON_MS = 60_000;

export const node = (nodeId: string): EventTarget => ({ kind: 'node', nodeId });

export function hostsOf(...ports: readonly number[]): readonly AmqpHost[] {
  const parsed = parseAmqpUrls(ports.map((port) => `amqp://guest:guest@127.0.0.1:${port}`));
  if (parsed.kind === 'malformed') throw new Error(parsed.message);
  return parsed.hosts;
}

/** Every queue that a test may leave behind; deleting one that is not there is no error. */
const names = ['corral.dead', 'corral.control_plane', ...['node-a', 'node-b', 'n1', 'n2', 'n3', 'n9', 'gpu.1', 'late', 'odd', 'even'].map((nodeId) => `corral.node.${nodeId}`), 'corral.test.link'];

/** One broker for the tests of a file, and what they open on it. */
export interface BrokerRig {
  readonly rabbit: Rabbit;
  /** A stock client. */
  client(): Promise<ChannelModel>;
  bus(options: Partial<AmqpEventBusOptions> & { readonly self: EventTarget }): AmqpEventBus;
  /** A bus that is connected, reads its queue, and sits behind a wire of its own. */
  wired(self: EventTarget, log?: Log): Promise<{ readonly bus: AmqpEventBus; readonly wire: TcpProxy }>;
  /** Waits until it reads its queue. */
  consuming(bus: AmqpEventBus): Promise<void>;
  /** Ends what a test opened, and takes every queue away. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function aBrokerRig(): Promise<BrokerRig> {
  const rabbit = await startRabbit();
  const opened: (() => Promise<unknown>)[] = [];
  const client = async (): Promise<ChannelModel> => {
    const made = await connect(rabbit.url);
    made.on('error', () => undefined);
    opened.push(() => made.close().catch(() => undefined));
    return made;
  };
  const bus: BrokerRig['bus'] = (options) => {
    const made = new AmqpEventBus({ hosts: hostsOf(rabbit.port), log: silentLog, random: Math.random, publishTimeoutMs: SOON_MS, ...options });
    opened.push(() => made.close());
    return made;
  };
  const consuming: BrokerRig['consuming'] = async (one) => void (await eventually('the bus reads its queue', SOON_MS, async () => one.state().consuming && one.state().connected));
  const clear = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end();
    const cleaner = await connect(rabbit.url);
    const channel = await cleaner.createChannel();
    for (const name of names) await channel.deleteQueue(name);
    await cleaner.close();
  };
  return {
    rabbit,
    client,
    bus,
    consuming,
    clear,
    wired: async (self, log = silentLog) => {
      const wire = await startTcpProxy(rabbit.port);
      opened.push(() => wire.close());
      const one = bus({ self, hosts: hostsOf(wire.port), log });
      one.subscribe({});
      await consuming(one);
      return { bus: one, wire };
    },
    close: async () => {
      for (const end of opened.splice(0).reverse()) await end();
      await rabbit.remove();
    },
  };
}
