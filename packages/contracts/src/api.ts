import type { TSchema } from '@sinclair/typebox';
import { Type } from '@sinclair/typebox';
import { AuditList, CreatedKey, CreateKeyRequest, CreateOrgRequest, KeyList, KeyRecord, OrgList, OrgRecord, UsageList } from './access.js';
import { CatalogAvailability, CatalogModel, CatalogModelList, ModelPatch, ModelPull, ModelRegister, ModelState, ModelStateChange, NodeCatalog } from './catalog.js';
import { ErrorBody, OpenAiError } from './error-body.js';
import { EVENTS } from './events.js';
import { GcPlans, GcRequest } from './gc.js';
import { AdminHealth, HeaderChatRequest, Instance, InstanceChatAnswer, InstanceChatRequest, InstanceCreate, InstanceEventList, InstanceList, InstancePatch, LoadAccepted, LoadRequest, PoolStats, UnloadAccepted } from './instances.js';
import { CallerInfo, Capabilities, Health, Ready, VersionInfo } from './meta.js';
import { HeartbeatRequest, HeartbeatResponse, NodeList, RegisterRequest, RegisterResponse } from './nodes.js';
import { ChatCompletion, ChatCompletionRequest, Completion, CompletionRequest, OpenAiModel, OpenAiModelList } from './openai.js';
import { EngineAdd, EngineBundle, EnginePatch, NodeEngineList } from './engines.js';
import { Operation, OperationList } from './operations.js';
import { DrainRequest, PoolHealth, PoolList, PoolPreloadRequest, PoolPurgeRequest, PoolReloadRequest } from './pools.js';
import { ManifestStatus, ReloadFailure, ReloadRequest, ReloadSucceeded } from './reload.js';
import { Id } from './scalars.js';
import { ModelStaging } from './staging.js';
import { TaskAccepted, TaskRequest } from './tasks.js';

/** Version of the HTTP API; `info.version` of the OpenAPI document. */
export const API_VERSION = '2.0.0';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export interface ApiResponse {
  readonly description: string;
  readonly schema?: TSchema;
  /** `application/json` where absent. */
  readonly contentType?: 'text/event-stream' | 'text/plain' | 'text/html';
}

/** One call of orchestratord. The OpenAPI document, the router's coverage test and the docs read this table. */
export interface ApiRoute {
  readonly method: Method;
  /** OpenAPI form: `/v2/tasks/{task_id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: 'openai' | 'tasks' | 'catalog' | 'pools' | 'nodes' | 'instances' | 'admin' | 'meta';
  readonly summary: string;
  readonly query?: Readonly<Record<string, TSchema>>;
  readonly request?: TSchema;
  /** Whether the call works without a body. */
  readonly bodyIsOptional?: boolean;
  readonly responses: Readonly<Record<number, ApiResponse>>;
  /** Codes that this call refuses with, beside those of every call. */
  readonly refusals?: readonly number[];
}

const stream = { description: 'Event stream.', contentType: 'text/event-stream' } as const;
const nothing = { description: 'Done.' } as const;
const PAGE = { limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }), cursor: Type.String({ description: '`next_cursor` of the page before.' }) };
const json = (description: string, schema: TSchema): ApiResponse => ({ description, schema });

const WAIT = { wait: Type.Boolean({ description: 'Answer when the operation has ended.' }) };
/** With `?wait=true`: 200 once it has succeeded, else the status of its error. */
const BEGUN = { 202: json('Begun; GET /v2/operations/{operation_id} shows how far it is.', Operation), 200: json('Done, where that was waited for.', Operation) };

export const API_ROUTES: readonly ApiRoute[] = [
  { method: 'post', path: '/v1/chat/completions', operationId: 'createChatCompletion', tag: 'openai', summary: 'Chat, as OpenAI; `stream: true` answers with server-sent events.', request: ChatCompletionRequest, responses: { 200: json('The answer, or an event stream of chunks.', ChatCompletion) }, refusals: [400, 403, 404, 429, 503] },
  { method: 'post', path: '/v1/completions', operationId: 'createCompletion', tag: 'openai', summary: 'Continue raw text, as OpenAI.', request: CompletionRequest, responses: { 200: json('The answer, or an event stream of chunks.', Completion) }, refusals: [400, 403, 404, 429, 503] },
  { method: 'get', path: '/v1/models', operationId: 'listModels', tag: 'openai', summary: 'Routes, instances and models that the caller may name.', responses: { 200: json('The list.', OpenAiModelList) } },
  { method: 'get', path: '/v1/models/{model_id}', operationId: 'getModel', tag: 'openai', summary: 'One of them.', responses: { 200: json('The model.', OpenAiModel) }, refusals: [404] },

  { method: 'post', path: '/v2/tasks', operationId: 'createTask', tag: 'tasks', summary: 'Queue a task.', request: TaskRequest, responses: { 202: json('Queued.', TaskAccepted) }, refusals: [400, 403, 404, 429, 503] },
  { method: 'get', path: '/v2/tasks/{task_id}/events', operationId: 'streamTask', tag: 'tasks', summary: 'The frames of a task from its first one on: started, token, metrics, end or error.', query: { verbose: Type.Boolean() }, responses: { 200: stream }, refusals: [404] },
  { method: 'post', path: '/v2/tasks/{task_id}/cancel', operationId: 'cancelTask', tag: 'tasks', summary: 'Cancel, wherever the task is; no token follows the answer.', responses: { 204: nothing }, refusals: [404] },

  { method: 'get', path: '/v2/pools', operationId: 'listPools', tag: 'pools', summary: 'Pools of all nodes, with their replicas.', responses: { 200: json('The pools.', PoolList) } },
  { method: 'get', path: '/v2/pools/{pool_id}/health', operationId: 'getPoolHealth', tag: 'pools', summary: 'One pool.', responses: { 200: json('The pool.', PoolHealth) }, refusals: [404] },
  { method: 'post', path: '/v2/pools/{pool_id}/drain', operationId: 'drainPool', tag: 'pools', summary: 'Take the pool out of service: no new work, what runs may end until the deadline, then its engines end. `cancel` puts it back.', query: WAIT, request: DrainRequest, bodyIsOptional: true, responses: { ...BEGUN, 204: nothing }, refusals: [400, 403, 404, 409, 503] },
  { method: 'delete', path: '/v2/pools/{pool_id}/drain', operationId: 'undrainPool', tag: 'pools', summary: 'Put a drained pool back into service.', responses: { 204: nothing }, refusals: [403, 404, 503] },
  { method: 'post', path: '/v2/pools/{pool_id}/reload', operationId: 'reloadPool', tag: 'pools', summary: 'Replace a replica by one of another model, or leave everything as it was.', query: WAIT, request: PoolReloadRequest, responses: BEGUN, refusals: [400, 403, 404, 409, 503] },
  { method: 'post', path: '/v2/pools/{pool_id}/preload', operationId: 'preloadPool', tag: 'pools', summary: 'Put the pool into service, and load these models beside what is there.', query: WAIT, request: PoolPreloadRequest, bodyIsOptional: true, responses: BEGUN, refusals: [400, 403, 404, 409, 503] },
  { method: 'post', path: '/v2/pools/{pool_id}/purge', operationId: 'purgePool', tag: 'pools', summary: 'Drain the pool, then delete models and what its engines left from its node.', query: WAIT, request: PoolPurgeRequest, bodyIsOptional: true, responses: BEGUN, refusals: [400, 403, 404, 409, 503] },
  { method: 'post', path: '/v2/nodes/{node_id}/drain', operationId: 'drainNode', tag: 'nodes', summary: 'Drain every pool of a node.', query: WAIT, request: DrainRequest, bodyIsOptional: true, responses: { ...BEGUN, 204: nothing }, refusals: [400, 403, 404, 409, 503] },
  { method: 'delete', path: '/v2/nodes/{node_id}/drain', operationId: 'undrainNode', tag: 'nodes', summary: 'Put every pool of a node back into service.', responses: { 204: nothing }, refusals: [403, 404, 503] },
  { method: 'post', path: '/v2/pools/{pool_id}/reset', operationId: 'resetPool', tag: 'pools', summary: 'Forget what failed in the pool: closes its breakers, ends its waits and tries at once what is wanted.', responses: { 202: { description: 'Reset.' } }, refusals: [404, 503] },

  { method: 'post', path: '/v2/catalog/models/{model_id}/stage', operationId: 'stageModel', tag: 'nodes', summary: 'Stage a model in the RAM of every online node that has its file.', responses: { 202: json('Where it is on those nodes.', ModelStaging) }, refusals: [403, 404, 409, 413, 503] },
  { method: 'get', path: '/v2/catalog/models/{model_id}/stage', operationId: 'getModelStaging', tag: 'nodes', summary: 'How far that is.', responses: { 200: json('Where it is on the nodes that have its file.', ModelStaging) }, refusals: [403, 404, 503] },

  { method: 'get', path: '/v2/operations', operationId: 'listOperations', tag: 'admin', summary: 'What goes on after its call was answered, and what has ended lately; newest first. Kept in memory.', query: PAGE, responses: { 200: json('The operations.', OperationList) }, refusals: [400] },
  { method: 'get', path: '/v2/operations/{operation_id}', operationId: 'getOperation', tag: 'admin', summary: 'One operation. Operations do not survive a restart.', responses: { 200: json('The operation.', Operation) }, refusals: [404] },

  { method: 'get', path: '/v2/catalog/models', operationId: 'listCatalogModels', tag: 'catalog', summary: 'Models of the catalog, by id: what is meant to be served and what nodes have.', query: { state: ModelState, tag: Type.String(), node: Id, q: Type.String({ description: 'Part of the id, of a source or of a tag.' }), ...PAGE }, responses: { 200: json('The models.', CatalogModelList) }, refusals: [400, 403] },
  { method: 'post', path: '/v2/catalog/models', operationId: 'registerModel', tag: 'catalog', summary: 'Register a model; it can be named at once, and is fetched by a pull or its first load. The same again is no error. The header X-Trust-Policy: strict refuses unsigned ones.', request: ModelRegister, responses: { 200: json('It is registered so already.', CatalogModel), 201: json('Registered.', CatalogModel) }, refusals: [400, 403, 409] },
  { method: 'get', path: '/v2/catalog/models/{model_id}', operationId: 'getCatalogModel', tag: 'catalog', summary: 'One model: where it is, and what it will need of each pool.', responses: { 200: json('The model.', CatalogModel) }, refusals: [403, 404] },
  { method: 'patch', path: '/v2/catalog/models/{model_id}', operationId: 'changeModel', tag: 'catalog', summary: 'Change what the body names of its definition. The definition of the manifest is changed there.', request: ModelPatch, responses: { 200: json('As it is after the change.', CatalogModel) }, refusals: [400, 403, 404, 409, 412] },
  { method: 'delete', path: '/v2/catalog/models/{model_id}', operationId: 'retireModel', tag: 'catalog', summary: 'Retire: no new task, no load; the files stay. With `purge=true` entry and files go everywhere, unless it is pinned or in use; where a node keeps it, it stays in the catalog, and the same call again goes on with the rest.', query: { purge: Type.Boolean(), wait: Type.Boolean({ description: 'Of a purge: `false` answers as soon as it has begun.' }) }, responses: { 202: json('The purge has begun; its `result` says what became of the model on each node.', Operation), 204: { description: 'Done. After a purge, `Location` is its operation, which says what became of the model on each node.' } }, refusals: [400, 403, 404, 409, 412, 429, 503] },
  { method: 'patch', path: '/v2/catalog/models/{model_id}/state', operationId: 'setModelState', tag: 'catalog', summary: 'Retire or activate. What runs on a retired model may finish, until the deadline where one is given.', request: ModelStateChange, responses: { 200: json('As it is after the change.', CatalogModel) }, refusals: [400, 403, 404, 412] },
  { method: 'post', path: '/v2/catalog/models/{model_id}/state', operationId: 'setModelStateByPost', tag: 'catalog', summary: 'The same.', request: ModelStateChange, responses: { 200: json('As it is after the change.', CatalogModel) }, refusals: [400, 403, 404, 412] },
  { method: 'put', path: '/v2/catalog/models/{model_id}/pin', operationId: 'pinModel', tag: 'catalog', summary: 'Pin: garbage collection and purge leave it alone, and its weights are kept at hand.', responses: { 200: json('As it is after the change.', CatalogModel) }, refusals: [403, 404, 412] },
  { method: 'delete', path: '/v2/catalog/models/{model_id}/pin', operationId: 'unpinModel', tag: 'catalog', summary: 'Unpin.', responses: { 204: nothing }, refusals: [403, 404, 412] },
  { method: 'post', path: '/v2/catalog/models/{model_id}/verify', operationId: 'verifyModel', tag: 'catalog', summary: 'Recompute the digest on every online node that has the file; the worst result counts.', query: { wait: Type.Boolean() }, responses: { 200: json('It has ended.', Operation), 202: json('Begun.', Operation) }, refusals: [400, 403, 404, 409, 429, 503] },
  { method: 'post', path: '/v2/catalog/models/{model_id}/pull', operationId: 'pullModel', tag: 'catalog', summary: 'Have nodes fetch the file: those that are named, all, or one.', request: ModelPull, bodyIsOptional: true, query: { wait: Type.Boolean() }, responses: { 200: json('It has ended.', Operation), 202: json('Begun.', Operation) }, refusals: [400, 403, 404, 429, 503] },
  { method: 'get', path: '/v2/catalog/availability', operationId: 'getCatalogAvailability', tag: 'catalog', summary: 'Which node has which models, and which model is on which nodes.', responses: { 200: json('Both views.', CatalogAvailability) }, refusals: [403] },

  { method: 'post', path: '/v2/catalog/gc', operationId: 'collectGarbage', tag: 'catalog', summary: 'Delete on every node what its retention rules let go; with `dry_run=true` only say what that is.', query: { dry_run: Type.Boolean(), wait: Type.Boolean({ description: 'Answer when every node has ended: 200.' }) }, request: GcRequest, bodyIsOptional: true, responses: { 200: json('The plans of the nodes, or with `wait` the operation; a node without an answer has its error in the place of it.', Type.Union([GcPlans, Operation])), 202: json('Begun; its `result` is what the nodes did.', Operation) }, refusals: [400, 403, 429, 503] },

  { method: 'get', path: '/v2/nodes', operationId: 'listNodes', tag: 'nodes', summary: 'Nodes, and whether they report.', responses: { 200: json('The nodes.', NodeList) } },
  { method: 'post', path: '/v2/nodes/register', operationId: 'registerNode', tag: 'nodes', summary: 'A node introduces itself; again at any time.', request: RegisterRequest, responses: { 200: json('Registered.', RegisterResponse) }, refusals: [400] },
  { method: 'post', path: '/v2/nodes/{node_id}/heartbeat', operationId: 'heartbeat', tag: 'nodes', summary: 'The full state of a node.', request: HeartbeatRequest, responses: { 200: json('Received.', HeartbeatResponse) }, refusals: [400, 404] },
  { method: 'get', path: '/v2/nodes/{node_id}/catalog', operationId: 'getNodeCatalog', tag: 'nodes', summary: 'What a node is to know of the catalog: asked for when `catalog_version` in the answer to a report is another than the node has applied.', responses: { 200: json('The intent.', NodeCatalog) }, refusals: [403, 404] },
  { method: 'post', path: '/v2/nodes/{node_id}/events', operationId: 'postNodeEvents', tag: 'nodes', summary: 'Events of a node, where no broker carries them.', request: Type.Array(Type.Object({ type: Type.String({ enum: Object.keys(EVENTS) }) })), responses: { 200: { description: 'Received.' } }, refusals: [400, 404] },
  { method: 'get', path: '/v2/events/stream', operationId: 'streamEvents', tag: 'nodes', summary: 'What passes the event bus from now on, or after an event (`since`, or the header `Last-Event-ID`; 0 = all that is kept): commands to nodes, and what happened there. For system admins.', query: { since: Type.Integer({ minimum: 0 }) }, responses: { 200: stream }, refusals: [400, 403] },
  { method: 'get', path: '/v2/engines', operationId: 'listEngines', tag: 'nodes', summary: 'Engine bundles of all online nodes.', responses: { 200: json('The bundles.', NodeEngineList) }, refusals: [403, 503] },
  { method: 'post', path: '/v2/nodes/{node_id}/engines', operationId: 'addEngine', tag: 'nodes', summary: 'Bring a bundle to a node and, unless `use` is false, take it up: a prebuilt package that lies there, or a local build.', query: WAIT, request: EngineAdd, responses: BEGUN, refusals: [400, 403, 404, 409, 429, 503] },
  { method: 'get', path: '/v2/nodes/{node_id}/engines/{engine_id}', operationId: 'getEngine', tag: 'nodes', summary: 'One bundle.', responses: { 200: json('The bundle.', EngineBundle) }, refusals: [403, 404, 503] },
  { method: 'patch', path: '/v2/nodes/{node_id}/engines/{engine_id}', operationId: 'changeEngine', tag: 'nodes', summary: 'Retire or activate, pin or unpin.', request: EnginePatch, responses: { 200: json('As it is after the change.', EngineBundle) }, refusals: [400, 403, 404, 409, 503] },
  { method: 'delete', path: '/v2/nodes/{node_id}/engines/{engine_id}', operationId: 'removeEngine', tag: 'nodes', summary: 'Delete a bundle that nobody uses.', responses: { 204: nothing }, refusals: [403, 404, 409, 503] },
  { method: 'post', path: '/v2/nodes/{node_id}/engines/{engine_id}/verify', operationId: 'verifyEngine', tag: 'nodes', summary: 'Recompute the digests of its files.', query: WAIT, responses: BEGUN, refusals: [400, 403, 404, 429, 503] },
  { method: 'post', path: '/v2/nodes/{node_id}/engines/{engine_id}/use', operationId: 'useEngine', tag: 'nodes', summary: 'Take it up without a restart: idle workers, then replicas; everything goes back where one does not come up on it.', query: WAIT, responses: BEGUN, refusals: [400, 403, 404, 409, 429, 503] },
  { method: 'delete', path: '/v2/nodes/{node_id}', operationId: 'deregisterNode', tag: 'nodes', summary: 'A node leaves.', responses: { 204: nothing }, refusals: [404] },

  { method: 'post', path: '/api/admin/orgs', operationId: 'createOrg', tag: 'admin', summary: 'A new organisation.', request: CreateOrgRequest, responses: { 201: json('Created.', OrgRecord) }, refusals: [400, 403, 409] },
  { method: 'get', path: '/api/admin/orgs', operationId: 'listOrgs', tag: 'admin', summary: 'Organisations, by id.', query: PAGE, responses: { 200: json('The organisations.', OrgList) }, refusals: [400, 403] },
  { method: 'get', path: '/api/admin/orgs/{org_id}', operationId: 'getOrg', tag: 'admin', summary: 'One organisation.', responses: { 200: json('The organisation.', OrgRecord) }, refusals: [403, 404, 410] },
  { method: 'delete', path: '/api/admin/orgs/{org_id}', operationId: 'deleteOrg', tag: 'admin', summary: 'Delete an organisation that has no instances and no keys left.', responses: { 204: nothing }, refusals: [403, 404, 409, 410] },
  { method: 'post', path: '/api/admin/keys', operationId: 'createKey', tag: 'admin', summary: 'A new key. Its text is in this answer and nowhere else.', request: CreateKeyRequest, responses: { 201: json('Created.', CreatedKey) }, refusals: [400, 403, 404, 409, 410] },
  { method: 'get', path: '/api/admin/keys', operationId: 'listKeys', tag: 'admin', summary: 'Keys, the oldest first, revoked ones too.', query: { org_id: Id, ...PAGE }, responses: { 200: json('The keys.', KeyList) }, refusals: [400, 403] },
  { method: 'get', path: '/api/admin/keys/{key_id}', operationId: 'getKey', tag: 'admin', summary: 'One key.', responses: { 200: json('The key.', KeyRecord) }, refusals: [403, 404] },
  { method: 'delete', path: '/api/admin/keys/{key_id}', operationId: 'revokeKey', tag: 'admin', summary: 'Revoke a key: it is refused from then on.', responses: { 204: nothing }, refusals: [403, 404, 410] },
  { method: 'get', path: '/api/admin/audit', operationId: 'listAudit', tag: 'admin', summary: 'What callers asked for, granted and refused, the newest first.', query: { instance_id: Id, org_id: Id, ...PAGE }, responses: { 200: json('The entries.', AuditList) }, refusals: [400, 403] },
  { method: 'get', path: '/api/admin/usage', operationId: 'listUsage', tag: 'admin', summary: 'Requests and tokens per organisation and key.', query: { org_id: Id, key_id: Id, ...PAGE }, responses: { 200: json('The sums.', UsageList) }, refusals: [400, 403] },

  { method: 'get', path: '/api/orgs/{org_id}/instances', operationId: 'listInstances', tag: 'instances', summary: 'Instances of an org, by id.', query: PAGE, responses: { 200: json('The instances.', InstanceList) }, refusals: [400, 403, 404] },
  { method: 'post', path: '/api/orgs/{org_id}/instances', operationId: 'createInstance', tag: 'instances', summary: 'Make an instance; only a hot one is loaded by it.', request: InstanceCreate, responses: { 201: json('Made.', Instance) }, refusals: [400, 403, 404, 409] },
  { method: 'get', path: '/api/orgs/{org_id}/instances/{instance_id}', operationId: 'getInstance', tag: 'instances', summary: 'One instance, and where it is.', responses: { 200: json('The instance.', Instance) }, refusals: [403, 404, 410] },
  { method: 'patch', path: '/api/orgs/{org_id}/instances/{instance_id}', operationId: 'changeInstance', tag: 'instances', summary: 'Change what the body names; a loaded one follows a changed model or config.', request: InstancePatch, responses: { 200: json('As it is after the change.', Instance) }, refusals: [400, 403, 404, 409, 410, 412, 503] },
  { method: 'delete', path: '/api/orgs/{org_id}/instances/{instance_id}', operationId: 'deleteInstance', tag: 'instances', summary: 'Unload and delete; the id answers 410 until it is made again.', responses: { 204: nothing }, refusals: [403, 404, 409, 410, 412, 503] },
  { method: 'post', path: '/api/orgs/{org_id}/instances/{instance_id}/load', operationId: 'loadInstance', tag: 'instances', summary: 'Publish a load; `is_ready` of the instance says when it is done.', request: LoadRequest, bodyIsOptional: true, responses: { 202: json('Published.', LoadAccepted) }, refusals: [400, 403, 404, 409, 410, 503] },
  { method: 'post', path: '/api/orgs/{org_id}/instances/{instance_id}/unload', operationId: 'unloadInstance', tag: 'instances', summary: 'Publish an unload; running answers end first.', responses: { 202: json('Published.', UnloadAccepted) }, refusals: [403, 404, 410, 503] },
  { method: 'get', path: '/api/orgs/{org_id}/instances/{instance_id}/events', operationId: 'listInstanceEvents', tag: 'instances', summary: 'What happened to the instance, newest first.', query: PAGE, responses: { 200: json('The events.', InstanceEventList) }, refusals: [400, 403, 404, 410] },
  { method: 'post', path: '/api/orgs/{org_id}/chat/completion', operationId: 'chatWithInstance', tag: 'instances', summary: 'One message to an instance; frames of a task, or with `stream: false` one answer.', request: InstanceChatRequest, responses: { 200: json('The answer, or an event stream of started, token, metrics, end or error.', InstanceChatAnswer) }, refusals: [400, 403, 404, 409, 410, 429, 503] },
  { method: 'post', path: '/api/chat/completion', operationId: 'chatByHeaders', tag: 'instances', summary: 'The same, with the headers X-ORG-ID and X-INSTANCE-ID.', request: HeaderChatRequest, responses: { 200: json('The answer, or an event stream.', InstanceChatAnswer) }, refusals: [400, 403, 404, 409, 410, 429, 503] },

  { method: 'get', path: '/api/admin/pool/stats', operationId: 'getPoolStats', tag: 'admin', summary: 'Instances by tier, what they share, and the memory that takes.', responses: { 200: json('The numbers.', PoolStats) }, refusals: [403] },
  { method: 'get', path: '/api/admin/health', operationId: 'getAdminHealth', tag: 'admin', summary: 'Bus, nodes and instances in one look.', responses: { 200: json('How they are.', AdminHealth) }, refusals: [403] },

  { method: 'post', path: '/admin/reload', operationId: 'reloadManifest', tag: 'admin', summary: 'Serve the manifest as its file is now. Its own keys: `Authorization: Bearer` or `X-API-Key` with one of ORCHESTRATOR_API_KEYS, or `Authorization: HMAC-SHA256 timestamp=…,signature=…` with ORCHESTRATOR_HMAC_SECRET.', request: ReloadRequest, bodyIsOptional: true, responses: { 200: json('New requests go to the new versions.', ReloadSucceeded), 500: json('Nothing has changed; the old manifest serves.', ReloadFailure) }, refusals: [400] },
  { method: 'get', path: '/v2/manifest', operationId: 'getManifest', tag: 'admin', summary: 'What is served: bindings, their versions and requests, and the last reloads.', query: { reloads: Type.Integer({ minimum: 0, maximum: 50, default: 50, description: 'Reloads at most: each names every entry of the manifest.' }) }, responses: { 200: json('The manifest as it serves.', ManifestStatus) }, refusals: [400, 403] },

  { method: 'get', path: '/v2/meta/capabilities', operationId: 'getCapabilities', tag: 'meta', summary: 'What live pools can do.', responses: { 200: json('Capabilities.', Capabilities) } },
  { method: 'get', path: '/v2/meta/caller', operationId: 'getCaller', tag: 'meta', summary: 'Who the server takes the caller for: its org and role.', responses: { 200: json('The caller.', CallerInfo) } },
  { method: 'get', path: '/v2/meta/version', operationId: 'getVersion', tag: 'meta', summary: 'Version of API and build.', responses: { 200: json('Versions.', VersionInfo) } },
  { method: 'get', path: '/health', operationId: 'getHealth', tag: 'meta', summary: 'The process is up.', responses: { 200: json('Up.', Health) } },
  { method: 'get', path: '/ready', operationId: 'getReady', tag: 'meta', summary: 'At least one pool is ready.', responses: { 200: json('Ready.', Ready), 503: json('Not ready, and why.', Ready) } },
  { method: 'get', path: '/metrics', operationId: 'getMetrics', tag: 'meta', summary: 'Prometheus metrics.', responses: { 200: { description: 'Metrics.', contentType: 'text/plain' } } },
  { method: 'get', path: '/ui/', operationId: 'getDashboard', tag: 'meta', summary: 'The dashboard, for browsers.', responses: { 200: { description: 'The page.', contentType: 'text/html' } } },
  { method: 'get', path: '/openapi.json', operationId: 'getOpenApi', tag: 'meta', summary: 'This document.', responses: { 200: { description: 'OpenAPI 3.1.' } } },
];

/** The body of a refusal on a path. */
export function refusalSchema(path: string): TSchema {
  return path.startsWith('/v1/') ? OpenAiError : ErrorBody;
}
