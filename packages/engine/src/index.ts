export { EngineError, isEngineError } from './engine-error.js';
export type { EngineErrorKind } from './engine-error.js';
export type { DeviceMemory, ModelFacts } from './model-facts.js';
export { DEFAULT_BATCH_TOKENS, DEFAULT_PREFILL_CHUNK_TOKENS } from './port.js';
export type {
  Device,
  DeviceDiscovery,
  EngineProvider,
  EngineReplica,
  Exit,
  HostCpu,
  InspectOptions,
  Probe,
  ReplicaInfo,
  ReplicaSpec,
  StartOptions,
} from './port.js';
