import { afterAll, afterEach, beforeAll, describe, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { BUS_NODES, EVENT_BUS_CASES, type BusNetwork, type EventBusCase } from '@corral/test-kit/conformance';
import { aBrokerRig, node, SOON_MS, type BrokerRig } from './broker-rig.js';

let rig: BrokerRig;
beforeAll(async () => {
  rig = await aBrokerRig();
}, 600_000);
afterEach(() => rig.clear(), 600_000);
afterAll(() => rig.close(), 600_000);

async function aNetwork(): Promise<BusNetwork> {
  const { bus: nodeA, wire } = await rig.wired(node(BUS_NODES.a));
  const [nodeB, controlPlane] = [rig.bus({ self: node(BUS_NODES.b) }), rig.bus({ self: { kind: 'control_plane' } })];
  for (const bus of [nodeB, controlPlane]) {
    bus.subscribe({});
    await rig.consuming(bus);
  }
  const stranger = await (await rig.client()).createConfirmChannel();
  return {
    controlPlane,
    nodeA,
    nodeB,
    deliverRawToNodeA: async (value) => {
      stranger.publish('corral.commands', `orchestrator.load.${BUS_NODES.a}`, Buffer.from(JSON.stringify(value)));
      await stranger.waitForConfirms();
    },
    cutOffNodeA: async () => {
      wire.cut();
      await eventually('node A is cut off', SOON_MS, async () => !nodeA.state().consuming);
      return async () => {
        wire.restore();
        await rig.consuming(nodeA);
      };
    },
    close: () => Promise.resolve(),
  };
}

async function assertKept(one: EventBusCase): Promise<void> {
  await one.run(await aNetwork());
}

describe('conformance of the RabbitMQ transport', () => {
  for (const one of EVENT_BUS_CASES) test(one.title, () => assertKept(one), 120_000);
});
