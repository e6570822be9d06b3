export { backoffMs, fullJitter, retrying, type BackoffPolicy, type RetryPolicy, type RetryPorts } from './backoff.js';
export { boundedLabel } from './bounded-label.js';
export { systemClock, type Clock } from './clock.js';
export { ConfigError, type ConfigProblem } from './config/config-error.js';
export { configTable, secretsOf } from './config/config-table.js';
export { parseDaemonArgs, type DaemonArgs, type DaemonProgram, type FlagSpec } from './config/daemon-args.js';
export { parseSource, readSource, type SourceDocument } from './config/document.js';
export { loadConfig, type ConfigSources, type ConfigSpec, type EnvironmentMap, type FlagValue, type Frozen } from './config/load-config.js';
export { Secret, Secrets, Size } from './config/schema.js';
export { runDaemon, type Daemon, type DaemonContext } from './daemon/run-daemon.js';
export { readJsonFile, writeFileAtomic } from './files.js';
export { newId } from './id.js';
export { currentCorrelation, withCorrelation } from './log/correlation.js';
export { createLog, type DaemonLog, type LogOptions } from './log/create-log.js';
export { LOG_LEVELS, recordingLog, silentLog, type Log, type LogLevel, type RecordedLine } from './log/log.js';
export { redactText } from './log/redact.js';
export { messageOf } from './message-of.js';
export { createMetrics, METRICS_CONTENT_TYPE, type LabelsOf, type Metrics, type MetricsOptions } from './metrics.js';
export { Operations, type OperationProgress, type OperationsOptions, type OperationStep, type OperationWork } from './operations.js';
export { Owner, type Machine } from './owner.js';
export { QueueFullError, SerialQueue } from './serial-queue.js';
export { readSecret, sharedSecret } from './shared-secret.js';
export { formatBytes, formatDuration, parseSize } from './sizes.js';
export { exitWithParent, PARENT_PIPE_FD, type ParentLink, type ParentOptions } from './parent.js';
export { runUntilSignal, Shutdown, type UntilSignal } from './shutdown.js';
export { formatAddress, isLoopbackHost, openBindProblem, parseAddress, type Address } from './http/address.js';
export { answerError, UnexpectedAnswer } from './http/answer-error.js';
export { createHttpApp, type HttpAppOptions } from './http/app.js';
export { authGate, localCaller, type Gate, type GateOptions } from './http/auth-gate.js';
export { fingerprint, parseBearer, SHORTEST_TOKEN, tokenMatcher, weakTokens, type Bearer } from './http/bearer.js';
export {
  createHttpClient,
  type Answer,
  type ClientTls,
  type HttpClient,
  type HttpClientOptions,
  type RequestOptions,
} from './http/client.js';
export { ConnectionError, connectionError, isConnectionError } from './http/connection-error.js';
export { CORRELATION_HEADER, correlationFor } from './http/correlation-header.js';
export { FrameCounter } from './http/frame-counter.js';
export { ListenError } from './http/listen-error.js';
export { isLocalCaller, refuseForeignPage } from './http/local-caller.js';
export { relay, type RelayOutcome, type RelayRequest, type RelaySink, type Trailers } from './http/relay.js';
export { sendError, type ErrorShape } from './http/render-error.js';
export { checkSignature, SIGNATURE_SCHEME, signatureHeader, type SignatureVerdict, type SignedRequest } from './http/request-signature.js';
export { callerOf, correlationOf, hasCaller, rawBody, type Caller } from './http/request-context.js';
export { responseSink, type ResponseSink, type ResponseSinkOptions } from './http/response-sink.js';
export { knownRoutes, routeAt, type KnownRoute } from './http/routes.js';
export { listen, type Listening, type ListenOptions, type ServerTls } from './http/server.js';
export { readSse, SSE_HEADERS, SSE_HEARTBEAT, SseReader, type SseEvent } from './http/sse.js';
export { body, invalidParams, lenientBody, optionalBody } from './http/validated-body.js';
export { operationError, operationRoutes, sendOperation, wantsToWait } from './http/operation-routes.js';
export { editDistance, nearest } from './nearest.js';
