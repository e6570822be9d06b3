import type { ResidencyInput, ResidencyNode, ResidencyPool, ResidencyReplica, WantedModel } from '../src/residency/residency-input.js';

/** A resident replica of 4 bytes, tier demand, idle for a second; its model is named after it: `a1` serves `a`. */
export function aHeld(replicaId: string, with_: Partial<ResidencyReplica> = {}): ResidencyReplica {
  return {
    replicaId,
    modelKey: replicaId.slice(0, 1),
    bytes: 4,
    state: 'resident',
    leases: 0,
    queued: 0,
    tier: 'demand',
    pinned: false,
    servingMs: 0,
    idleMs: 1_000,
    drainEstimateMs: 0,
    ...with_,
  };
}

/** What a replica that works looks like: one request of 300 ms left, nobody waiting. */
export const WORKING: Partial<ResidencyReplica> = { leases: 1, idleMs: 0, drainEstimateMs: 300 };

/** A pool of 10 bytes on node `n1`. */
export function aPlace(poolId: string, replicas: readonly ResidencyReplica[] = [], with_: Partial<ResidencyPool> = {}): ResidencyPool {
  return { poolId, nodeId: 'n1', memoryTotalBytes: 10, replicasMax: null, replicas, ...with_ };
}

/** A node that has the weights on disk and moves 10 bytes a second from there, 40 from RAM, 2 from the network. */
export function aNode(nodeId: string, with_: Partial<ResidencyNode> = {}): ResidencyNode {
  return { nodeId, weights: 'on_disk', canFetch: true, bytesPerS: { staged: 40, onDisk: 10, network: 2 }, ...with_ };
}

/** Model `w` of 6 bytes, wanted by a demand instance. */
export function aWanted(with_: Partial<WantedModel> = {}): WantedModel {
  return {
    modelKey: 'w',
    needBytes: 6,
    weightsBytes: null,
    tier: 'demand',
    source: 'demand',
    priority: 'interactive',
    arrivalSeq: 0,
    waitingMs: 0,
    ...with_,
  };
}

/** With a quantum of 500 ms, on one node `n1`. */
export function aResidencyInput(
  pools: readonly ResidencyPool[],
  wanted: Partial<WantedModel> = {},
  with_: Partial<ResidencyInput> = {},
): ResidencyInput {
  return { wanted: aWanted(wanted), pools, nodes: [aNode('n1')], policy: { quantumMs: 500 }, ...with_ };
}
