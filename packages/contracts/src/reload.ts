import { Type, type Static } from '@sinclair/typebox';
import { Count, Ms, Nullable, Strict, Timestamp } from './scalars.js';

/** What asked for a manifest reload. [F-10] */
export const ReloadSource = Type.Union([Type.Literal('admin_api'), Type.Literal('cli'), Type.Literal('signal'), Type.Literal('file_watch')], {
  description: '`admin_api` unless the caller says otherwise; `signal` is SIGHUP, `file_watch` is `--watch`.',
});
export type ReloadSource = Static<typeof ReloadSource>;

/** Body of `POST /admin/reload`; it may be left out. */
export const ReloadRequest = Strict({
  source: Type.Optional(ReloadSource),
  path: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: 'The manifest that the caller means: refused unless it is the one that the server was started with.' })),
});
export type ReloadRequest = Static<typeof ReloadRequest>;

const BindingNames = Type.Array(Type.String({ description: 'Kind and id, such as `route:chat-small` or `instance:default/helpdesk`.' }));

/** Every binding of the old and the new manifest, in exactly one of four groups. [F-03] */
export const ReloadSummary = Type.Object({ added: BindingNames, modified: BindingNames, removed: BindingNames, unchanged: BindingNames });
export type ReloadSummary = Static<typeof ReloadSummary>;

/** What kept a reload from succeeding. After `rollback_failed` the old manifest may serve in part alone. [G-47] */
export const ReloadErrorKind = Type.Union([Type.Literal('validation'), Type.Literal('activation'), Type.Literal('rollback_failed')]);
export type ReloadErrorKind = Static<typeof ReloadErrorKind>;

/** One thing that is wrong with a manifest. */
export const ReloadProblem = Type.Object({
  line: Nullable(Type.Integer({ minimum: 1 })),
  field: Type.String({ description: 'Dotted name of the entry, empty for the whole.' }),
  message: Type.String({ description: 'Ends with the next step.' }),
});
export type ReloadProblem = Static<typeof ReloadProblem>;

const Hash = Type.String({ description: 'Equal exactly when two manifests define the same.' });
const Notes = Type.Array(Type.String(), { description: 'What was swapped beside what served, and what was drained first.' });

const commonFields = {
  source: ReloadSource,
  at: Timestamp,
  duration_ms: Type.Integer({ minimum: 0, description: 'Milliseconds, without the wait for the reload before it.' }),
  steps: Type.Array(Type.Object({ step: Type.String(), duration_ms: Ms }), { description: 'Those that were begun, in order.' }),
};
const succeededFields = { ...commonFields, summary: ReloadSummary, manifest_hash: Hash, previous_hash: Hash, notes: Notes };
const failedFields = {
  ...commonFields,
  error: Type.String(),
  error_kind: ReloadErrorKind,
  step: Type.String({ description: 'Where in the sequence it failed.' }),
  problems: Type.Array(ReloadProblem, { description: 'All of them, where the manifest itself is wrong.' }),
};

/** Answer of a reload that succeeded: new requests go to the new version. [F-11] */
export const ReloadSucceeded = Type.Object({ status: Type.Literal('ok'), ...succeededFields });
export type ReloadSucceeded = Static<typeof ReloadSucceeded>;

/** How a reload failed; the manifest that served before goes on serving. */
export const ReloadFailed = Type.Object({ status: Type.Literal('error'), ...failedFields });
export type ReloadFailed = Static<typeof ReloadFailed>;

/** A reload that came to its end. */
export const ReloadRecord = Type.Union([ReloadSucceeded, ReloadFailed]);
export type ReloadRecord = Static<typeof ReloadRecord>;

/** Answer of a reload that failed, with status 500: {@link ReloadFailed}, and what every refusal carries. [F-11 G-47] */
export const ReloadFailure = Type.Object({ status: Type.Literal('error'), ...failedFields, code: Type.Literal('RELOAD_FAILED'), message: Type.String(), retriable: Type.Literal(false) });
export type ReloadFailure = Static<typeof ReloadFailure>;

/** Data of `orchestrator.reload_succeeded`. [F-21] */
export const ReloadSucceededEvent = Type.Object(succeededFields);
export type ReloadSucceededEvent = Static<typeof ReloadSucceededEvent>;

/** Data of `orchestrator.reload_failed`. [F-21] */
export const ReloadFailedEvent = Type.Object(failedFields);
export type ReloadFailedEvent = Static<typeof ReloadFailedEvent>;

export const BindingKind = Type.Union([Type.Literal('model'), Type.Literal('route'), Type.Literal('instance'), Type.Literal('pool')]);
export type BindingKind = Static<typeof BindingKind>;

/** `terminated` once nothing that it accepted is in flight. [F-16] */
export const BindingState = Type.Union([Type.Literal('registering'), Type.Literal('active'), Type.Literal('draining'), Type.Literal('terminated')]);
export type BindingState = Static<typeof BindingState>;

/** One version of one manifest entry, and the requests that it accepted. [F-14 F-16] */
export const BindingRecord = Type.Object({
  id: Type.String({ description: 'Kind and id, such as `route:chat-small`.' }),
  kind: BindingKind,
  provider: Type.Union([Type.Literal('manifest'), Type.Literal('starter')], { description: 'Where the definition comes from.' }),
  handler: Type.String({ description: 'What it leads to: the model of a route or an instance, the first source of a model, `node/device` of a pool.' }),
  version: Type.Integer({ minimum: 1, description: 'A changed definition gets the next one.' }),
  state: BindingState,
  fingerprint: Type.String({ description: 'Of the definition: comments and key order do not change it.' }),
  received: Type.Integer({ minimum: 0, description: 'Requests that this version accepted.' }),
  dispatched: Type.Integer({ minimum: 0, description: 'Those of them that were given to a node.' }),
  failed: Type.Integer({ minimum: 0, description: 'Those of them that ended with an error.' }),
  in_flight: Count,
});
export type BindingRecord = Static<typeof BindingRecord>;

/** Answer of `GET /v2/manifest`: what is served, and the last reloads. */
export const ManifestStatus = Type.Object({
  path: Nullable(Type.String({ description: 'null = the starter model, without a manifest.' })),
  hash: Hash,
  problem: Nullable(Type.String({ description: 'Set when what is served is not what the file says.' })),
  bindings: Type.Array(BindingRecord),
  reloads: Type.Array(ReloadRecord, { description: 'Newest first.' }),
});
export type ManifestStatus = Static<typeof ManifestStatus>;

/** Name of the state file in the state directory. [F-14] */
export const STATE_FILE = 'orchestrator-state.json';

/** What `<state dir>/orchestrator-state.json` holds. [F-14] */
export const OrchestratorState = Type.Object({
  status: Type.Union([Type.Literal('running'), Type.Literal('stopped')], { description: '`running` after a crash too: the pid tells.' }),
  role: Type.Literal('orchestratord'),
  pid: Type.Integer({ minimum: 1 }),
  bind: Type.String({ description: 'Where it listens, `host:port`.' }),
  listener_url: Type.String({ description: 'How programs on this machine reach it.' }),
  manifest_path: Nullable(Type.String()),
  manifest_hash: Hash,
  state_dir: Type.String(),
  started_at: Timestamp,
  stopped_at: Nullable(Timestamp),
  written_at: Timestamp,
  bindings: Type.Array(BindingRecord),
  connectors: Type.Array(Type.Object({ id: Type.String({ description: '`node:<node_id>` or `bus`.' }), state: Type.Union([Type.Literal('connected'), Type.Literal('disconnected')]) })),
  activations: Type.Array(Type.Object({ at: Timestamp, source: Type.Union([Type.Literal('start'), ReloadSource]), manifest_hash: Hash }), { description: 'When which manifest began to serve, newest first.' }),
});
export type OrchestratorState = Static<typeof OrchestratorState>;
