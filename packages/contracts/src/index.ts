export {
  AuditEntry, AuditOutcome, CreateKeyRequest, CreateOrgRequest, CreatedKey, KeyList, KeyRecord, OPERATOR_TOKEN_FILE, OrgList, OrgRecord,
  Role, UsageEntry,
} from './access.js';
export { API_ROUTES, API_VERSION, type ApiRoute } from './api.js';
export { Assignment, AssignmentStatus, EventSource, InstanceStep, LoadProgress, ModelSpec, WantedResidency } from './assignments.js';
export {
  CatalogAvailability, CatalogIntent, CatalogModel, CatalogModelList, ModelOnNode, ModelOrigin, ModelPatch, ModelPull, ModelPulled, ModelPurged,
  ModelRegister, ModelState, ModelStateChange, ModelVerified, NodeCatalog, PoolForecast, TrustPolicy, Verification,
} from './catalog.js';
export { EngineAdd, EngineBundle, EngineChange, EngineList, EngineMode, EnginePatch, NodeEngineList } from './engines.js';
export {
  ApiError, ERRORS, type ErrorCode, type ErrorDetails, type ErrorEnvelope, isApiError, toEnvelope, toHttp, toOpenAiError,
} from './errors.js';
export {
  type CatalogIntentChange, EVENT_TYPES, EVENTS, type EventData, type EventEnvelope, type EventType, type InstanceOutcome, OWN_EVENT_TYPES,
  type OwnEvent, decodeEvent,
} from './events.js';
export { EndFrame, FRAMES, type Frame, type FrameType, MetricsFrame, PreparationStep, StartedFrame, encodeFrame } from './frames.js';
export { GcPlan, GcPlans, GcReport, GcReports, GcRequest, GcTrigger } from './gc.js';
export {
  ChatMessage, Deadlines, FAILURE_TRAILER, GenerateInput, GenerateRequest, GenerateUsage, OutputFormat, Sampling, USAGE_TRAILER,
} from './generate.js';
export {
  AdminHealth, HeaderChatRequest, Instance, InstanceChatRequest, InstanceConfig, InstanceCreate, InstanceEvent, InstanceEventList,
  InstanceList, InstancePatch, LoadAccepted, LoadRequest, PoolStats, UnloadAccepted,
} from './instances.js';
export { Manifest } from './manifest.js';
export { CallerInfo, Health, Ready } from './meta.js';
export { type MetricSpec, type MetricsContract, ORCHESTRATORD_METRICS, POOL_MANAGERD_METRICS } from './metrics.js';
export { NodeCatalogEntry, NodeCatalogList, NodePullRequest, NodePulled, NodeVerified } from './node-catalog.js';
export {
  AppliedCatalog, HeartbeatRequest, HeartbeatResponse, MemoryModel, ModelFacts, NodeList, NodeModel, NodeState, NodeSummary,
  PoolDefinition, Preload, RegisterRequest, RegisterResponse, WantedState, assignmentsHash,
} from './nodes.js';
export { ChatCompletionRequest, CompletionRequest, MEANINGFUL_UNSUPPORTED, OpenAiMessage, OpenAiModelList, foldSeed } from './openai.js';
export { openApiDocument } from './openapi.js';
export { Operation } from './operations.js';
export {
  DeviceKind, DrainRequest, NodePreloadRequest, NodeReloadRequest, PoolChange, PoolHealth, PoolList, PoolPreloadRequest, PoolPurgeRequest,
  PoolReloadRequest, PoolStatus, ReplicaModel, ReplicaState, ReplicaStatus, takesWork,
} from './pools.js';
export {
  BindingKind, BindingRecord, BindingState, ManifestStatus, OrchestratorState, ReloadErrorKind, ReloadFailed, ReloadFailedEvent,
  ReloadFailure, ReloadProblem, ReloadRecord, ReloadRequest, ReloadSource, ReloadSucceeded, ReloadSucceededEvent, ReloadSummary,
  STATE_FILE,
} from './reload.js';
export { Bytes, CorrelationId, Digest, Id, ModelId, Priority, Residency, Tier } from './scalars.js';
export { CacheList, ModelStaging, StageRequest, StagedEntry, StagingStatus, TierBandwidth } from './staging.js';
export { PlacementOverrides, TaskAccepted, TaskRequest } from './tasks.js';
export { type Problem, type Validator, describeProblems, validator } from './validate.js';
