export type { Environment } from './child/child-env.js';
export { startReplica } from './child/start-replica.js';
export type { WorkerProgram } from './child/start-replica.js';
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
export { createLlamacppEngine } from './llamacpp/llamacpp-engine.js';
export type { LlamacppOptions } from './llamacpp/llamacpp-engine.js';
export { runWorker } from './worker/run-worker.js';
export type { LoadModel } from './worker/run-worker.js';
export type { DecodeStats, TextModel, TextRun } from './worker/text-model.js';
