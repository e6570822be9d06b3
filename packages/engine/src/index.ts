export type { Environment } from './child/child-env.js';
export { EngineWorkers } from './child/engine-workers.js';
export type { EngineWorkersOptions, WorkersLimits } from './child/engine-workers.js';
export type { WorkerProgram } from './child/worker-process.js';
export { hostCpu } from './devices/host-cpu.js';
export { EngineError, isEngineError } from './engine-error.js';
export type { EngineErrorKind } from './engine-error.js';
export type { DeviceMemory, ModelFacts } from './model-facts.js';
export { DEFAULT_BATCH_TOKENS, DEFAULT_PREFILL_CHUNK_TOKENS } from './port.js';
export type {
  BuiltInBundle,
  Device,
  DeviceDiscovery,
  DeviceRef,
  EngineBundleRef,
  EngineProvider,
  EngineReplica,
  EngineSources,
  Exit,
  ExitReason,
  HostCpu,
  InspectOptions,
  ParkedInfo,
  Probe,
  ReplicaInfo,
  ReplicaSpec,
  SavedPrefixes,
  SavePrefixesOptions,
  Standby,
  StandbyOptions,
  StandbyState,
  StartOptions,
} from './port.js';
export { measureGain } from './bundle-probe/measure-gain.js';
export { probeBundle } from './bundle-probe/probe-bundle.js';
export { attachExternalEngine, externalFacts } from './external/external-engine.js';
export type { ServerFacts } from './external/llama-server-client.js';
export { EXTERNAL_DIFFERENCES, probeExternalEngine } from './external/probe-external-engine.js';
export type { ExternalProbe } from './external/probe-external-engine.js';
export { createLlamacppEngine } from './llamacpp/llamacpp-engine.js';
export type { LlamacppOptions } from './llamacpp/llamacpp-engine.js';
export { CHATML_TEMPLATE, writeTinyModel } from './tiny-model/tiny-model.js';
export type { TinyModel, TinyModelOptions } from './tiny-model/tiny-model.js';
export { xorshift } from './tiny-model/random-table.js';
export { runWorker } from './worker/run-worker.js';
export type { LoadContext, LoadModel } from './worker/run-worker.js';
export type { DecodeStats, Prompt, SlotPrefix, TextModel, TextRun } from './worker/text-model.js';
