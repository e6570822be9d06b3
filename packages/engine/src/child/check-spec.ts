import { isAbsolute } from 'node:path';
import { EngineError } from '../engine-error.js';
import type { ReplicaSpec } from '../port.js';

const MAX_SLOTS = 256;

/** Refuses a replica that no process could hold, before one is started. One device is one index. [C-23] */
export function checkSpec(spec: ReplicaSpec): void {
  const problems = [
    !isAbsolute(spec.modelPath) && 'modelPath must be absolute',
    typeof spec.prefixFolder === 'string' && !isAbsolute(spec.prefixFolder) && 'prefixFolder must be absolute',
    !isWhole(spec.slots, 1, MAX_SLOTS) && `slots must be 1 to ${MAX_SLOTS}`,
    !isWhole(spec.contextTokens, 2, Number.MAX_SAFE_INTEGER) && 'contextTokens must be at least 2',
    !isWhole(spec.threads, 1, 1_024) && 'threads must be 1 to 1024',
    !isWhole(spec.batchTokens, 1, 65_536) && 'batchTokens must be 1 to 65536',
    !isWhole(spec.prefillChunkTokens, 1, spec.batchTokens) && 'prefillChunkTokens must be 1 to batchTokens',
    !/^\d*$/.test(spec.deviceMask) && 'deviceMask must name exactly one device by its index',
    (spec.deviceKind === 'cpu') !== (spec.deviceMask === '') && 'deviceMask must be empty on cpu and an index elsewhere',
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new EngineError('bad_spec', `replica ${spec.replicaId} cannot be started: ${problems.join('; ')}`);
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
