import { parseAmqpUrls } from '@corral/event-bus';
import { openBindProblem, parseAddress, Secret, Secrets, type ConfigProblem, type ConfigSpec, type DaemonProgram, type EnvironmentMap, type Frozen } from '@corral/service-kit';
import { Type, type Static } from '@sinclair/typebox';

const Ms = (preset: number, description: string) => Type.Integer({ minimum: 0, default: preset, description });

const schema = Type.Object(
  {
    profile: Type.Literal('home', { default: 'home', description: 'One machine, loopback, no broker.' }),
    state_dir: Type.String({ default: '', description: 'Where everything durable lives; empty = `$XDG_STATE_HOME/corral`, else `~/.local/state/corral`.' }),
    log_level: Type.Union([Type.Literal('error'), Type.Literal('warn'), Type.Literal('info'), Type.Literal('debug')], { default: 'info', description: 'Lowest level that is logged.' }),
    addr: Type.String({ default: '127.0.0.1:8080', description: 'Listen address, `host:port`; port 0 takes a free one.' }),
    tokens: Secrets({ default: [], description: 'Bearer tokens: the first is sent to nodes, all are accepted.' }),
    auth_optional: Type.Boolean({ default: false, description: 'Callers on this machine may skip the token.' }),
    pool_managerd_urls: Type.Array(Type.String({ minLength: 1 }), { default: ['http://127.0.0.1:9200'], description: 'Static nodes; registered ones come on top. `none` = no static nodes.' }),
    amqp_urls: Secrets({ default: [], description: 'RabbitMQ brokers that carry events, `amqp://user:password@host:5672/vhost`, tried in turn; none = events go over HTTP.' }),
    manifest: Type.String({ default: '', description: 'What to serve; empty = the starter model.' }),
    watch: Type.Boolean({ default: false, description: 'Reload the manifest whenever its file changes; for development.' }),
    reload_api_keys: Secrets({ default: [], description: 'Keys that may reload the manifest, and nothing else.' }),
    reload_prepare_ms: Ms(8_000, 'How long a reload of the manifest waits for changed models to be loaded beside what serves; then it goes on without.'),
    reload_hmac_secret: Secret({ default: '', description: 'Secret of signed requests to reload the manifest; empty = none are accepted.' }),
    queue_capacity: Type.Integer({ minimum: 0, maximum: 100_000, default: 64, description: 'Waiting tasks per pool, both classes together; the manifest overrides.' }),
    queue_full_policy: Type.Union([Type.Literal('reject'), Type.Literal('drop-lru'), Type.Literal('shed-low-priority')], { default: 'reject', description: 'What a full queue does with a newcomer.' }),
    queue_wait_ms: Ms(300_000, 'How long a task waits for a slot, or for the turn of its model.'),
    demand_load_wait_ms: Ms(30_000, 'How long a task waits for a load of its model.'),
    first_token_timeout_ms: Ms(120_000, 'From dispatch to the first token.'),
    token_gap_timeout_ms: Ms(60_000, 'Between two tokens.'),
    answer_timeout_ms: Ms(3_600_000, 'From dispatch to the last token; a deadline of the task may be shorter.'),
    swap_quantum_ms: Ms(5_000, 'How long a busy model keeps its place while another one waits for it.'),
    hot_ceiling: Type.Integer({ minimum: 0, maximum: 100_000, default: 0, description: 'Instances that may be hot at once; the least recently used one is demoted to warm. 0 = as many as device memory holds.' }),
    cancel_on_disconnect: Type.Boolean({ default: true, description: 'A client that goes away cancels its task.' }),
    client_stall_ms: Ms(30_000, 'How long a client may read nothing before its stream is cut.'),
    task_retention_ms: Ms(300_000, 'How long the frames of a finished task can be read again.'),
    node_heartbeat_ms: Ms(10_000, 'How often nodes report.'),
    node_offline_ms: Ms(30_000, 'A node silent for so long gets no work.'),
    audit_retention_days: Type.Number({ exclusiveMinimum: 0, default: 90, description: 'How long the audit keeps an entry.' }),
    usage_flush_ms: Ms(5_000, 'How often the usage of keys is written; a crash loses what was counted since.'),
    shutdown_grace_ms: Ms(5_000, 'How long running answers may go on after a signal.'),
  },
  { additionalProperties: false },
);

export type OrchestratordConfig = Frozen<Static<typeof schema>>;

/** Environment variable → setting. */
const environment: EnvironmentMap = {
  CORRAL_PROFILE: '/profile',
  CORRAL_STATE_DIR: '/state_dir',
  CORRAL_LOG_LEVEL: '/log_level',
  LLORCH_API_TOKEN: { pointer: '/tokens', aliases: ['AUTH_TOKEN'] },
  AUTH_OPTIONAL: '/auth_optional',
  ORCHESTRATORD_ADDR: '/addr',
  POOL_MANAGERD_URLS: { pointer: '/pool_managerd_urls', aliases: ['POOL_MANAGERD_URL'] },
  AMQP_URL: '/amqp_urls',
  CORRAL_MANIFEST: '/manifest',
  CORRAL_WATCH: '/watch',
  ORCHESTRATOR_API_KEYS: { pointer: '/reload_api_keys', aliases: ['HARN_ORCHESTRATOR_API_KEYS'] },
  ORCHESTRATOR_HMAC_SECRET: { pointer: '/reload_hmac_secret', aliases: ['HARN_ORCHESTRATOR_HMAC_SECRET'] },
  DEMAND_LOAD_WAIT_MS: '/demand_load_wait_ms',
  HOT_CEILING: '/hot_ceiling',
  CANCEL_ON_DISCONNECT: '/cancel_on_disconnect',
  QUEUE_CAPACITY: '/queue_capacity',
  QUEUE_FULL_POLICY: '/queue_full_policy',
  NODE_OFFLINE_MS: '/node_offline_ms',
  NODE_HEARTBEAT_MS: '/node_heartbeat_ms',
};

/** Settings of orchestratord: one schema gives type, defaults, variables and the generated table. [P-01 P-04] */
export const configSpec: ConfigSpec<typeof schema> = { schema, environment, check: problemsBetween };

export function programOf(version: string): DaemonProgram {
  return {
    name: 'orchestratord',
    version,
    summary: 'the control plane: admits, queues, places and streams tasks',
    flags: {
      '--manifest': { pointer: '/manifest', value: 'FILE', help: 'what to serve' },
      '--watch': { pointer: '/watch', help: 'reload the manifest whenever its file changes' },
      '--state-dir': { pointer: '/state_dir', value: 'DIR', help: 'where everything durable lives' },
      '--addr': { pointer: '/addr', value: 'HOST:PORT', help: 'listen address' },
    },
  };
}

/** Static nodes; `none` stands for no node at all, since an empty variable counts as not set. */
export function staticNodes(config: OrchestratordConfig): readonly string[] {
  return config.pool_managerd_urls.filter((url) => url !== 'none');
}

function problemsBetween(config: Static<typeof schema>): readonly ConfigProblem[] {
  const address = parseAddress(config.addr);
  if (address === undefined) return [{ field: 'addr', message: `${config.addr} is not host:port; write 127.0.0.1:8080, or [::1]:8080` }];
  const open = openBindProblem({ host: address.host, tokens: config.tokens, field: 'addr', tokenVariable: 'LLORCH_API_TOKEN', addressVariable: 'ORCHESTRATORD_ADDR' });
  const brokers = config.amqp_urls.length === 0 ? undefined : parseAmqpUrls(config.amqp_urls);
  const urls = config.pool_managerd_urls.filter((url) => url !== 'none' && !/^https?:\/\/[^/]+/.test(url));
  return [
    ...(open === undefined ? [] : [open]),
    ...(brokers?.kind === 'malformed' ? [{ field: 'amqp_urls', message: brokers.message }] : []),
    ...urls.map((url) => ({ field: 'pool_managerd_urls', message: `${url} is not a URL; write http://host:port` })),
    ...(config.node_offline_ms <= config.node_heartbeat_ms ? [{ field: 'node_offline_ms', message: `must be greater than node_heartbeat_ms (${config.node_heartbeat_ms})` }] : []),
  ];
}
