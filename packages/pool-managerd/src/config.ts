import { parseAmqpUrls } from '@corral/event-bus';
import { openBindProblem, parseAddress, Secrets, Size, type ConfigProblem, type ConfigSpec, type DaemonProgram, type EnvironmentMap, type Frozen } from '@corral/service-kit';
import { parseFetchPolicy } from '@corral/provisioners';
import { Type, type Static } from '@sinclair/typebox';
import { parseDeviceName } from './devices/device-name.js';
import { gcProblems, gcSettings } from './gc/gc-settings.js';
import { fetchSettings } from './models/fetch-settings.js';
import { stageSettings } from './staging/stage-settings.js';

const Ms = (preset: number, description: string) => Type.Integer({ minimum: 0, default: preset, description });
const Bytes = (description: string) => Type.Union([Size({ minimum: 1 }), Type.Null()], { default: null, description });
const Amount = (description: string) => Type.Union([Type.Integer({ minimum: 1, maximum: 4_096 }), Type.Null()], { default: null, description });
const Group = <T extends Parameters<typeof Type.Object>[0]>(properties: T) => Type.Object(properties, { additionalProperties: false });

const schema = Group({
  profile: Type.Union([Type.Literal('home'), Type.Literal('cloud')], { default: 'home', description: '`cloud` refuses cpu pools.' }),
  state_dir: Type.String({ default: '', description: 'Where everything durable lives; empty = `$XDG_STATE_HOME/corral`, else `~/.local/state/corral`.' }),
  log_level: Type.Union([Type.Literal('error'), Type.Literal('warn'), Type.Literal('info'), Type.Literal('debug')], { default: 'info', description: 'Lowest level that is logged.' }),
  addr: Type.String({ default: '', description: 'Listen address, `host:port`; port 0 takes a free one. Empty = `127.0.0.1:9200`, in the cloud profile `0.0.0.0:9200`.' }),
  tokens: Secrets({ default: [], description: 'Bearer tokens: the first is sent to the control plane, all are accepted.' }),
  amqp_urls: Secrets({ default: [], description: 'RabbitMQ brokers that carry events, `amqp://user:password@host:5672/vhost`, tried in turn; none = events go over HTTP.' }),
  orchestrator_url: Type.String({ default: 'http://127.0.0.1:8080', description: 'Where the node registers and reports.' }),
  advertise_url: Type.String({ default: '', description: 'How the control plane reaches the node; empty = from the listen address.' }),
  node_id: Type.String({ default: '', description: 'Empty = the host name.' }),
  models_dir: Type.String({ default: '', description: 'Node catalog and artifacts; empty = `<state dir>/models`.' }),
  fetch_allow: Type.Union([Type.Array(Type.String()), Type.Null()], { default: null, description: 'Schemes that models may come from, such as `file,pypi`; without it, all. `file` alone = no network.' }),
  devices: Group({
    use: Type.Union([Type.Array(Type.String()), Type.Null()], { default: null, description: 'Devices to make pools of, such as `cuda:0`, `vulkan:0`, `cpu`; without it, every GPU found.' }),
    allow_cpu: Type.Boolean({ default: false, description: 'A `cpu` pool where no GPU is found; refused in the cloud profile.' }),
    rediscover_ms: Ms(10_000, 'How long to wait after a search for devices that failed.'),
  }),
  cpu_pool: Group({
    memory_bytes: Bytes('Memory of a `cpu` pool; without it, half of the free RAM.'),
    threads: Amount('Threads of all replicas together; without it, all cores but one, the quota of the control group respected.'),
    replicas: Amount('Replicas that the pool can hold, which share its threads; without it, 2, or 1 on a single core.'),
  }),
  models: Group({
    concurrency: Type.Integer({ minimum: 1, maximum: 64, default: 2, description: 'Models that are fetched at once.' }),
    retry_initial_ms: Ms(1_000, 'Wait after the first failure to provide a model; it doubles.'),
    retry_max_ms: Ms(60_000, 'Longest wait between two tries.'),
  }),
  fetch: fetchSettings,
  stage: stageSettings,
  gc: gcSettings,
  parking: Group({
    enabled: Type.Boolean({ default: true, description: 'On a `cpu` pool a demoted replica keeps its process and the mapped model, as long as its model is wanted staged and its weights are.' }),
    max_parked: Type.Integer({ minimum: 0, maximum: 256, default: 2, description: 'Replicas that a pool keeps so.' }),
    unstaged: Type.Boolean({ default: false, description: 'Also those that were loaded from disk, as long as their model is to stay there; their weights then count.' }),
  }),
  prefixes: Group({
    enabled: Type.Boolean({ default: true, description: 'What the slots of a replica hold is kept in the staging area when it leaves, and used again after its next load.' }),
    max_bytes: Type.Union([Size(), Type.Null()], { default: null, description: 'Bytes of the staging area that may be used for it; without it, 25 %.' }),
    save_ms: Ms(2_000, 'Time for writing it before a replica is ended or parked.'),
  }),
  replicas: Group({
    load_stall_ms: Ms(120_000, 'A load that makes no progress for so long is ended.'),
    probe_timeout_ms: Ms(120_000, 'Time for the one token that a fresh replica must generate.'),
    memory_grace_ms: Ms(2_000, 'How long a load waits for memory that nothing seems to free.'),
    swap_linger_ms: Ms(2_000, 'How long a replica that another one has taken the place of still takes work, so that whoever sends it has heard of that.'),
    drain_ms: Ms(30_000, 'How long what runs may go on when a replica has to leave.'),
    stop_ms: Ms(5_000, 'SIGTERM to SIGKILL.'),
    batch_tokens: Type.Integer({ minimum: 32, maximum: 4_096, default: 512, description: 'Tokens of one decode call; sizes the compute buffers.' }),
    prefill_chunk_tokens: Type.Integer({ minimum: 1, maximum: 4_096, default: 128, description: 'Prompt tokens between two looks at a cancel.' }),
  }),
  supervision: Group({
    health_check_interval_ms: Ms(5_000, 'From one look at a resident engine worker to the next.'),
    health_check_timeout_ms: Ms(5_000, 'Time for its answer.'),
    health_check_misses: Type.Integer({ minimum: 1, maximum: 1_000, default: 3, description: 'Looks in a row without a good answer after which a worker is killed and started again.' }),
    backoff_initial_ms: Ms(1_000, 'Wait after the first failure of a replica; it doubles.'),
    backoff_max_ms: Ms(60_000, 'Longest wait while the breaker is closed.'),
    backoff_device_factor: Type.Integer({ minimum: 1, maximum: 100, default: 2, description: 'So many times longer is the wait after the driver lost or reset its device.' }),
    backoff_reset_ms: Ms(300_000, 'A replica that was ready for so long begins with the first wait again.'),
    circuit_breaker_threshold: Type.Integer({ minimum: 1, maximum: 1_000, default: 5, description: 'Failures in a row after which a model is left alone in its pool.' }),
    circuit_breaker_timeout_ms: Ms(300_000, 'How long it is left alone before one trial; a trial that fails doubles the time.'),
    circuit_breaker_timeout_max_ms: Ms(3_600_000, 'Longest time that it is left alone.'),
    circuit_breaker_close_ms: Ms(60_000, 'A replica that was ready for so long has passed its trial, and ends a row of failures.'),
    restart_rate_limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 10, description: 'Restarts of a model within the window after which one more failure counts as a storm, and the model is left alone.' }),
    restart_window_ms: Ms(60_000, 'The window in which restarts are counted.'),
    restart_reset_ms: Ms(600_000, 'A replica that was ready for so long, or a model that did not fail for so long, has its failures forgotten.'),
  }),
  engines: Group({
    idle_ms: Ms(120_000, 'Time for an idle worker of a bundle that is being taken up.'),
    swap_ms: Ms(1_800_000, 'Time for its replicas, and for going back.'),
    external_interval_ms: Ms(1_000, 'From one look at an external server to the next.'),
    external_timeout_ms: Ms(5_000, 'Time for the answer to a look.'),
    external_misses_max: Type.Integer({ minimum: 1, maximum: 100, default: 3, description: 'Looks in a row without an answer in time after which an external server counts as away; one that refuses the connection does at once.' }),
  }),
  idle_workers: Type.Integer({ minimum: 0, maximum: 16, default: 1, description: 'Engine workers per device that wait without a model, so that a load does not pay for the start of a process; 0 = none.' }),
  control_plane: Group({
    settle_ms: Ms(3_000, 'How long the start waits for the first answer before it goes by the journal.'),
    retry_initial_ms: Ms(250, 'Wait after the first failed report; it doubles.'),
    retry_max_ms: Ms(5_000, 'Longest wait between two reports that fail.'),
    request_ms: Ms(5_000, 'Time for one report.'),
    gap_ms: Ms(50, 'Least time between two reports of changes.'),
    detail_ms: Ms(1_000, 'Within this time free slots and progress are reported.'),
    events_max: Type.Integer({ minimum: 1, maximum: 100_000, default: 1_000, description: 'Events that wait for the control plane at most.' }),
  }),
  shutdown_grace_ms: Ms(3_000, 'How long running answers may go on after a signal.'),
});

export type PoolManagerdConfig = Frozen<Static<typeof schema>>;

/** Environment variable → setting. */
const environment: EnvironmentMap = {
  CORRAL_PROFILE: '/profile',
  CORRAL_STATE_DIR: '/state_dir',
  CORRAL_LOG_LEVEL: '/log_level',
  LLORCH_API_TOKEN: { pointer: '/tokens', aliases: ['AUTH_TOKEN'] },
  AMQP_URL: '/amqp_urls',
  POOL_MANAGERD_ADDR: '/addr',
  ORCHESTRATOR_URL: '/orchestrator_url',
  ADVERTISE_URL: '/advertise_url',
  NODE_ID: '/node_id',
  ALLOW_CPU_POOLS: '/devices/allow_cpu',
  POOL_DEVICES: '/devices/use',
  CPU_POOL_MEMORY_BYTES: '/cpu_pool/memory_bytes',
  CPU_POOL_THREADS: '/cpu_pool/threads',
  CPU_POOL_REPLICAS: '/cpu_pool/replicas',
  IDLE_WORKERS: '/idle_workers',
  MODELS_DIR: '/models_dir',
  FETCH_ALLOW: '/fetch_allow',
  POOL_MANAGERD_STAGE_DIR: '/stage/dir',
  POOL_MANAGERD_STAGE_MAX_BYTES: '/stage/max_bytes',
};

/** Settings of pool-managerd: one schema gives type, defaults, variables and the generated table. [P-01 P-04] */
export const configSpec: ConfigSpec<typeof schema> = { schema, environment, check: problemsBetween };

export function programOf(version: string): DaemonProgram {
  return {
    name: 'pool-managerd',
    version,
    summary: 'the node: devices, models on disk, engine workers',
    flags: {
      '--state-dir': { pointer: '/state_dir', value: 'DIR', help: 'where everything durable lives' },
      '--addr': { pointer: '/addr', value: 'HOST:PORT', help: 'listen address' },
      '--allow-cpu': { pointer: '/devices/allow_cpu', help: 'serve from the CPU where no GPU is found' },
    },
  };
}

/** The address as set, else the profile's. [P-01] */
export function listenAddress({ addr, profile }: Pick<PoolManagerdConfig, 'addr' | 'profile'>): string {
  if (addr !== '') return addr;
  return profile === 'cloud' ? '0.0.0.0:9200' : '127.0.0.1:9200';
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

function problemsBetween(config: Static<typeof schema>): readonly ConfigProblem[] {
  const problems: (ConfigProblem | undefined)[] = [addressProblem(config), ...urlProblems(config), ...deviceProblems(config), ...gcProblems(config.gc)];
  if (config.node_id !== '' && !ID.test(config.node_id)) problems.push({ field: 'node_id', message: `${config.node_id} is not an id; use up to 100 letters, digits, dots, dashes and underscores` });
  const brokers = config.amqp_urls.length === 0 ? null : parseAmqpUrls(config.amqp_urls);
  if (brokers?.kind === 'malformed') problems.push({ field: 'amqp_urls', message: brokers.message });
  const policy = parseFetchPolicy(config.fetch_allow);
  if (policy.kind === 'refused') problems.push({ field: 'fetch_allow', message: policy.message });
  return problems.filter((problem) => problem !== undefined);
}

function addressProblem(config: Static<typeof schema>): ConfigProblem | undefined {
  const text = listenAddress(config);
  const address = parseAddress(text);
  if (address === undefined) return { field: 'addr', message: `${text} is not host:port; write 127.0.0.1:9200, or [::1]:9200` };
  return openBindProblem({ host: address.host, tokens: config.tokens, field: 'addr', tokenVariable: 'LLORCH_API_TOKEN', addressVariable: 'POOL_MANAGERD_ADDR' });
}

function urlProblems(config: Static<typeof schema>): readonly ConfigProblem[] {
  const isUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return (['orchestrator_url', 'advertise_url'] as const)
    .filter((field) => (config[field] !== '' || field === 'orchestrator_url') && !isUrl(config[field]))
    .map((field) => ({ field, message: `"${config[field]}" is not a URL; write http://host:port` }));
}

function deviceProblems({ devices, profile }: Static<typeof schema>): readonly ConfigProblem[] {
  const unknown = (devices.use ?? []).filter((name) => parseDeviceName(name) === null);
  const asksForCpu = devices.allow_cpu || (devices.use ?? []).some((name) => parseDeviceName(name) === 'cpu');
  return [
    ...unknown.map((name) => ({ field: 'devices.use', message: `"${name}" names no device; write cuda:0, vulkan:0, metal:0 or cpu` })),
    ...(profile === 'cloud' && asksForCpu
      ? [{ field: 'devices.allow_cpu', message: 'the cloud profile serves from GPUs alone; unset ALLOW_CPU_POOLS and take cpu out of POOL_DEVICES, or use CORRAL_PROFILE=home' }]
      : []),
  ];
}
