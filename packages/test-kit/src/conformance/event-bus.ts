import assert from 'node:assert/strict';
import type { EventEnvelope } from '@corral/contracts';
import { envelopeOf, type EventBus, type EventHandlers, type EventTarget } from '@corral/event-bus';
import { systemClock } from '@corral/service-kit';

/** One control plane and two nodes, joined by the transport under test. */
export interface BusNetwork {
  readonly controlPlane: EventBus;
  readonly nodeA: EventBus;
  readonly nodeB: EventBus;
  /** Puts something on the way to node A that no publisher of ours would send. */
  deliverRawToNodeA(value: unknown): Promise<void>;
  /** Node A cannot be reached until the returned function is called. */
  cutOffNodeA(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** One promise of the port. `run` rejects when the transport breaks it. */
export interface EventBusCase {
  readonly title: string;
  run(network: BusNetwork): Promise<void>;
}

/** The ids under which {@link BusNetwork} knows its nodes. */
export const BUS_NODES = { a: 'node-a', b: 'node-b' } as const;

const TO_A: EventTarget = { kind: 'node', nodeId: BUS_NODES.a };
const TO_CONTROL_PLANE: EventTarget = { kind: 'control_plane' };
const PATIENCE_MS = 30_000;

/** What every transport of the event bus must do. A transport's test runs each against a network of its own. */
export const EVENT_BUS_CASES: readonly EventBusCase[] = [
  {
    title: 'E-03 G-20 a command reaches the node it is for, whole, and no other',
    run: async ({ controlPlane, nodeA, nodeB }) => {
      const [a, b] = [inboxOf(nodeA), inboxOf(nodeB)];
      const sent = aCommand({ generation: 7, correlationId: 'corr-7' });
      assert.deepEqual(await controlPlane.publish(sent, TO_A), { kind: 'confirmed' });
      await eventually(() => assert.deepEqual(a.events, [sent]));
      assert.deepEqual(b.events, []);
    },
  },
  {
    title: 'E-03 C-84 what happened on a node reaches the control plane and says which node',
    run: async ({ controlPlane, nodeA, nodeB }) => {
      const inbox = inboxOf(controlPlane);
      const [fromA, fromB] = [anOutcome(BUS_NODES.a), anOutcome(BUS_NODES.b)];
      assert.deepEqual(await nodeA.publish(fromA, TO_CONTROL_PLANE), { kind: 'confirmed' });
      assert.deepEqual(await nodeB.publish(fromB, TO_CONTROL_PLANE), { kind: 'confirmed' });
      await eventually(() => assert.deepEqual(inbox.events, [fromA, fromB]));
    },
  },
  {
    title: 'E-10 events that one publisher sends one after the other arrive in that order',
    run: async ({ controlPlane, nodeA }) => {
      const inbox = inboxOf(nodeA);
      const sent = Array.from({ length: 30 }, (_, n) => aCommand({ generation: n + 1 }));
      for (const event of sent) assert.equal((await controlPlane.publish(event, TO_A)).kind, 'confirmed');
      await eventually(() => assert.deepEqual(generationsOf(inbox.events), generationsOf(sent)));
    },
  },
  {
    title: 'E-10 events that are published at once all arrive',
    run: async ({ controlPlane, nodeA }) => {
      const inbox = inboxOf(nodeA);
      const sent = Array.from({ length: 30 }, (_, n) => aCommand({ generation: n + 1 }));
      const outcomes = await Promise.all(sent.map((event) => controlPlane.publish(event, TO_A)));
      assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['confirmed']));
      await eventually(() => assert.deepEqual(new Set(generationsOf(inbox.events)), new Set(generationsOf(sent))));
    },
  },
  {
    title: 'E-10 an event whose handler fails comes again: by itself, or because its publish was not confirmed',
    run: async ({ controlPlane, nodeA }) => {
      const inbox = inboxOf(nodeA, { failures: 1 });
      const sent = aCommand();
      await publishUntilConfirmed(controlPlane, sent, TO_A);
      await eventually(() => assert.deepEqual(inbox.events, [sent]));
      assert.equal(inbox.failed, 1);
    },
  },
  {
    title: 'E-10 the same event published twice is delivered at least once, and the bus goes on',
    run: async ({ controlPlane, nodeA }) => {
      const inbox = inboxOf(nodeA);
      const sent = aCommand({ generation: 1 });
      const next = aCommand({ generation: 2 });
      for (const event of [sent, sent, next]) await publishUntilConfirmed(controlPlane, event, TO_A);
      await eventually(() => assert.deepEqual([...new Set(generationsOf(inbox.events))], [1, 2]));
    },
  },
  {
    title: 'C-83 garbage costs nothing but itself: what comes after it is handled',
    run: async ({ controlPlane, nodeA, deliverRawToNodeA }) => {
      const inbox = inboxOf(nodeA);
      for (const garbage of [null, 7, 'x', [], {}, { type: 'orchestrator.load' }, { ...aCommand(), data: { generation: -1 } }]) await deliverRawToNodeA(garbage);
      const sent = aCommand();
      assert.deepEqual(await controlPlane.publish(sent, TO_A), { kind: 'confirmed' });
      await eventually(() => assert.deepEqual(inbox.events, [sent]));
    },
  },
  {
    title: 'C-83 an event of a type that this version does not know is taken and forgotten',
    run: async ({ controlPlane, nodeA, deliverRawToNodeA }) => {
      const inbox = inboxOf(nodeA);
      await deliverRawToNodeA({ ...aCommand(), type: 'orchestrator.of_the_future' });
      const sent = aCommand();
      assert.equal((await controlPlane.publish(sent, TO_A)).kind, 'confirmed');
      await eventually(() => assert.deepEqual(inbox.events, [sent]));
    },
  },
  {
    title: 'E-03 every subscriber gets the events it has a handler for, until it ends its subscription',
    run: async ({ controlPlane, nodeA }) => {
      const first = inboxOf(nodeA);
      const second = inboxOf(nodeA);
      nodeA.subscribe({ 'instance.loaded': () => assert.fail('nobody sent this') });
      await publishUntilConfirmed(controlPlane, aCommand({ generation: 1 }), TO_A);
      await eventually(() => assert.deepEqual([generationsOf(first.events), generationsOf(second.events)], [[1], [1]]));
      first.end();
      await publishUntilConfirmed(controlPlane, aCommand({ generation: 2 }), TO_A);
      await eventually(() => assert.deepEqual([generationsOf(first.events), generationsOf(second.events)], [[1], [1, 2]]));
    },
  },
  {
    title: 'E-08 T-94 an event for a node that is away is not lost: unconfirmed and sent again, or kept for it',
    run: async ({ controlPlane, nodeA, cutOffNodeA }) => {
      const inbox = inboxOf(nodeA);
      const restore = await cutOffNodeA();
      const sent = aCommand();
      const early = await controlPlane.publish(sent, TO_A);
      assert.notEqual(early.kind, 'refused');
      assert.deepEqual(inbox.events, []);
      await restore();
      if (early.kind === 'unavailable') await publishUntilConfirmed(controlPlane, sent, TO_A);
      await eventually(() => assert.deepEqual(inbox.events, [sent]));
    },
  },
  {
    title: 'E-08 after close nothing is confirmed and nothing is delivered',
    run: async ({ controlPlane, nodeA }) => {
      const inbox = inboxOf(nodeA);
      await controlPlane.close();
      assert.equal((await controlPlane.publish(aCommand(), TO_A)).kind, 'unavailable');
      assert.deepEqual(inbox.events, []);
    },
  },
];

/** A well-formed load command for node A. */
export function aCommand({ generation = 1, correlationId }: { readonly generation?: number; readonly correlationId?: string } = {}): EventEnvelope<'orchestrator.load'> {
  const model = { model_id: 'tiny', sources: ['file:/models/tiny.gguf'], digest: null, context: 256, slots: 1, pinned: false };
  const data = {
    instance_id: 'model.tiny',
    org_id: 'default',
    tier: 'demand',
    wanted: 'resident',
    model_ref: 'tiny',
    model,
    digest: null,
    config_hash: 'c',
    generation,
    source: 'demand',
    reason: 'a request waits for it',
    target: { node_id: BUS_NODES.a, pool_id: 'p1' },
    correlation_id: correlationId ?? 'corr',
  } as const;
  return envelopeOf('orchestrator.load', { ...data }, { source: 'orchestratord', clock: systemClock, correlationId });
}

function anOutcome(nodeId: string): EventEnvelope<'instance.loaded'> {
  const data = { instance_id: 'model.tiny', org_id: 'default', generation: 1, node_id: nodeId, pool_id: 'p1', replica_id: 'r1', residency: 'resident', last_error: null, duration_ms: 12, progress: null, reason: null } as const;
  return envelopeOf('instance.loaded', data, { source: `pool-managerd/${nodeId}`, clock: systemClock });
}

interface Inbox {
  readonly events: EventEnvelope[];
  /** Deliveries that were answered with a failure. */
  readonly failed: number;
  end(): void;
}

function inboxOf(bus: EventBus, { failures = 0 }: { readonly failures?: number } = {}): Inbox {
  const events: EventEnvelope[] = [];
  let failed = 0;
  const take = (event: EventEnvelope): void => {
    if (failed < failures) {
      failed += 1;
      throw new Error('not now');
    }
    events.push(event);
  };
  const handlers: EventHandlers = { 'orchestrator.load': take, 'instance.loaded': take };
  const end = bus.subscribe(handlers);
  return { events, end, get failed() { return failed; } };
}

function generationsOf(events: readonly EventEnvelope[]): number[] {
  return events.map(({ data }) => ('generation' in data ? data.generation : -1));
}

async function publishUntilConfirmed(bus: EventBus, event: EventEnvelope, target: EventTarget): Promise<void> {
  await eventually(async () => assert.deepEqual(await bus.publish(event, target), { kind: 'confirmed' }));
}

async function eventually(check: () => void | Promise<void>): Promise<void> {
  for (const endMs = Date.now() + PATIENCE_MS; ; ) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
