import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a broker lives and listens. */
export interface RabbitPlace {
  readonly dir: string;
  readonly nodeName: string;
  readonly port: number;
  readonly distributionPort: number;
  /** Its own, so that brokers of several runs do not meet. */
  readonly epmdPort: number;
}

/** The environment of the server and of its tools: nothing of the machine's own broker, if it has one, is touched. */
export function rabbitEnvironment({ dir, nodeName, distributionPort, epmdPort }: RabbitPlace): NodeJS.ProcessEnv {
  // The marker is how a test run finds what it left behind.
  const { PATH, LANG, TEST_RUN_MARKER } = process.env;
  return {
    PATH,
    ...(LANG === undefined ? {} : { LANG }),
    ...(TEST_RUN_MARKER === undefined ? {} : { TEST_RUN_MARKER }),
    HOME: join(dir, 'home'),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `${nodeName}@localhost`,
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_MNESIA_DIR: join(dir, 'mnesia', 'node'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq'),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'rabbitmq-env.conf'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, 'gen'),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
  };
}

/** Writes what the server reads at its start. */
export async function writeRabbitFiles({ dir, port }: RabbitPlace, config: Readonly<Record<string, string | number>>): Promise<void> {
  for (const name of ['home', 'log', 'gen']) await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, 'home', '.erlang.cookie'), randomBytes(20).toString('hex'), { mode: 0o400 });
  await writeFile(join(dir, 'enabled_plugins'), '[].');
  const settings = {
    'listeners.tcp.1': `127.0.0.1:${port}`,
    'log.file.level': 'warning',
    'vm_memory_high_watermark.absolute': '1GB',
    'disk_free_limit.absolute': '50MB',
    ...config,
  };
  await writeFile(join(dir, 'rabbitmq.conf'), Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`).join(''));
}
