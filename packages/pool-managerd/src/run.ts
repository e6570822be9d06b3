import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EngineProvider } from '@corral/engine';
import { ConfigError, createLog, exitWithParent, loadConfig, parseDaemonArgs, readSource, runUntilSignal, secretsOf, Shutdown, systemClock, weakTokens } from '@corral/service-kit';
import type { Clock, DaemonArgs, DaemonLog, Log } from '@corral/service-kit';
import { startNode } from './compose.js';
import type { RunningNode } from './compose.js';
import { configSpec, programOf } from './config.js';
import type { PoolManagerdConfig } from './config.js';
import { VERSION } from './version.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface RunOptions {
  /** Without node and script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Makes the engine. A test hands in one whose faults are chosen. */
  engine(parts: { readonly env: Environment; readonly clock: Clock; readonly log: Log }): EngineProvider;
}

const WRONG_USE = 2;
const SIGNAL_CODES = [130, 143];
/** After a parent that died: workers get their end and the state directory is left in order. */
const ORPHAN_GRACE_MS = 3_500;

/** The life of the daemon, from its arguments to its exit code. A stop that was asked for is 0. */
export async function runPoolManagerd({ argv, env, engine }: RunOptions): Promise<number> {
  const args = parseDaemonArgs(argv, programOf(VERSION));
  if (args.kind === 'wrong_use') return say(process.stderr, args.text, WRONG_USE);
  if (args.kind !== 'run') return say(process.stdout, args.text, 0);
  let config: PoolManagerdConfig;
  try {
    config = await configOf(args, env);
  } catch (error) {
    return say(process.stderr, `pool-managerd: ${messageOf(error)}`, error instanceof ConfigError ? WRONG_USE : 1);
  }
  if (args.checkOnly) return say(process.stdout, 'the configuration is valid', 0);
  const log = await openLog(config);
  try {
    return await live({ config, env, log, engine: engine({ env, clock: systemClock, log }) });
  } catch (error) {
    return say(process.stderr, `pool-managerd: ${messageOf(error)}`, 1);
  } finally {
    await log.close();
  }
}

async function live({ config, env, log, engine }: { readonly config: PoolManagerdConfig; readonly env: Environment; readonly log: Log; readonly engine: EngineProvider }): Promise<number> {
  const shutdown = new Shutdown(log);
  const stop = new AbortController();
  const ended = runUntilSignal({ shutdown, log, stop: stop.signal });
  const parent = exitWithParent({ environment: env, onGone: () => stop.abort(1), graceMs: ORPHAN_GRACE_MS });
  try {
    const node = await startNode({ config, engine, env, log, shutdown, clock: systemClock, random: Math.random });
    log.info('started', { version: VERSION, profile: config.profile, parent, url: node.url, node_id: node.nodeId, incarnation: node.incarnation });
    announce(node);
  } catch (error) {
    stop.abort(1);
    await ended;
    throw error;
  }
  const code = await ended;
  return SIGNAL_CODES.includes(code) ? 0 : code;
}

/** For a parent that holds an IPC channel, such as `corral up`. */
function announce({ url }: RunningNode): void {
  process.send?.({ type: 'listening', url, pid: process.pid }, () => undefined);
}

async function configOf(args: Extract<DaemonArgs, { kind: 'run' }>, env: Environment): Promise<PoolManagerdConfig> {
  const file = args.configPath === undefined ? undefined : await readSource(args.configPath);
  const loaded = loadConfig(configSpec, { file, section: { name: 'pool_managerd', others: ['orchestratord'] }, environment: env, flags: args.flags });
  return loaded.state_dir === '' ? { ...loaded, state_dir: defaultStateDir(env) } : loaded;
}

function defaultStateDir({ XDG_STATE_HOME: base }: Environment): string {
  return join(base === undefined || base === '' ? join(homedir(), '.local', 'state') : base, 'corral');
}

async function openLog(config: PoolManagerdConfig): Promise<DaemonLog> {
  const folder = join(config.state_dir, 'logs');
  await mkdir(folder, { recursive: true });
  const log = createLog({
    service: 'pool-managerd',
    level: config.log_level,
    files: [join(folder, 'pool-managerd.jsonl')],
    console: process.stderr.isTTY ? 'human' : 'json',
    consoleLevel: 'warn',
    secrets: secretsOf(configSpec.schema, config),
  });
  for (const identity of weakTokens(config.tokens)) log.warn('a token is short; use 32 characters or more', { identity: `token:${identity}` });
  return log;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(out: NodeJS.WriteStream, text: string, code: number): number {
  out.write(`${text}\n`);
  return code;
}
