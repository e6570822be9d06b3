import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { startRabbit, startTcpProxy } from '@corral/test-kit';

/** A real broker behind a wire, and a stranger who hears every command. */
export interface DisturbedBus {
  /** What the daemons are given as `AMQP_URL`. */
  readonly url: string;
  /** Cuts every connection to the broker for a moment. */
  interrupt(): Promise<void>;
  /** Publishes again what was published before: the `n`th command, or garbage where there are fewer. */
  repeat(n: number): Promise<void>;
  close(): Promise<void>;
}

const HEARD = 'test.heard';
const CUT_MS = 300;

export async function startDisturbedBus(): Promise<DisturbedBus> {
  const rabbit = await startRabbit();
  const wire = await startTcpProxy(rabbit.port);
  const stranger = await connect(rabbit.url);
  const channel = await stranger.createConfirmChannel();
  const heard: { readonly key: string; readonly content: Buffer }[] = [];
  await channel.assertExchange('corral.commands', 'topic', { durable: true });
  await channel.assertQueue(HEARD, { durable: true });
  await channel.bindQueue(HEARD, 'corral.commands', 'orchestrator.#');
  await channel.consume(HEARD, (message) => void (message !== null && heard.push({ key: message.fields.routingKey, content: message.content })), { noAck: true });
  const url = new URL(rabbit.url);
  url.port = String(wire.port);
  return {
    url: url.href,
    interrupt: async () => {
      wire.cut();
      await sleep(CUT_MS);
      wire.restore();
    },
    repeat: async (n) => {
      const again = heard[n % (heard.length + 1)] ?? { key: heard[0]?.key ?? 'orchestrator.load.nobody', content: Buffer.from('{"type":') };
      channel.publish('corral.commands', again.key, again.content, { persistent: true, contentType: 'application/cloudevents+json' });
      await channel.waitForConfirms();
    },
    close: async () => {
      await stranger.close();
      await wire.close();
      await rabbit.remove();
    },
  };
}
