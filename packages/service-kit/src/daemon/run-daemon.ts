import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Static, TObject } from '@sinclair/typebox';
import { systemClock, type Clock } from '../clock.js';
import { ConfigError } from '../config/config-error.js';
import { secretsOf } from '../config/config-table.js';
import { parseDaemonArgs, type DaemonArgs, type DaemonProgram } from '../config/daemon-args.js';
import { readSource } from '../config/document.js';
import { loadConfig, type ConfigSpec, type Frozen } from '../config/load-config.js';
import { weakTokens } from '../http/bearer.js';
import { createLog, type DaemonLog } from '../log/create-log.js';
import type { Log, LogLevel } from '../log/log.js';
import { exitWithParent } from '../parent.js';
import { runUntilSignal, Shutdown } from '../shutdown.js';
import { messageOf } from '../message-of.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that every daemon has. An empty `state_dir` means the user's own. */
export interface CommonSettings {
  readonly state_dir: string;
  readonly log_level: LogLevel;
  readonly tokens: readonly string[];
}

export interface DaemonContext<Config> {
  readonly config: Config;
  readonly env: Environment;
  readonly log: Log;
  readonly clock: Clock;
  readonly shutdown: Shutdown;
}

/** One daemon: what it is called, how it is configured, how it starts. */
export interface Daemon<S extends TObject> {
  readonly program: DaemonProgram;
  readonly configSpec: ConfigSpec<S>;
  /** Its section of a shared configuration file, and those of its neighbours. */
  readonly section: { readonly name: string; readonly others: readonly string[] };
  /** What `--check` looks at beyond the configuration: one line per problem. */
  check?(config: Frozen<Static<S>>): Promise<readonly string[]>;
  /** Resolves once it listens; what it opens it adds to the shutdown. */
  start(context: DaemonContext<Frozen<Static<S>>>): Promise<{ readonly url: string }>;
  /** How long one part may take to close, milliseconds. */
  readonly closeMs?: (config: Frozen<Static<S>>) => number;
}

const WRONG_USE = 2;
const SIGNAL_CODES = [130, 143];
/** After a parent that died: what was opened is closed in order, then the process ends. */
const ORPHAN_GRACE_MS = 3_500;

/** The life of a daemon, from its arguments to its exit code. A stop that was asked for is 0. [P-04] */
export async function runDaemon<S extends TObject>(daemon: Daemon<S>, { argv, env }: { readonly argv: readonly string[]; readonly env: Environment }): Promise<number> {
  const { program } = daemon;
  const args = parseDaemonArgs(argv, program);
  if (args.kind === 'wrong_use') return say(process.stderr, args.text, WRONG_USE);
  if (args.kind !== 'run') return say(process.stdout, args.text, 0);
  let config: Frozen<Static<S>> & CommonSettings;
  try {
    config = await configOf(daemon, args, env);
  } catch (error) {
    return say(process.stderr, `${program.name}: ${messageOf(error)}`, error instanceof ConfigError ? WRONG_USE : 1);
  }
  if (args.checkOnly) return checked((await daemon.check?.(config)) ?? []);
  const log = await openLog(daemon, config);
  try {
    return await live(daemon, { config, env, log });
  } catch (error) {
    return say(process.stderr, `${program.name}: ${messageOf(error)}`, 1);
  } finally {
    await log.close();
  }
}

async function live<S extends TObject>(daemon: Daemon<S>, { config, env, log }: { readonly config: Frozen<Static<S>>; readonly env: Environment; readonly log: Log }): Promise<number> {
  const shutdown = new Shutdown(log, systemClock, daemon.closeMs?.(config));
  const stop = new AbortController();
  const ended = runUntilSignal({ shutdown, log, stop: stop.signal });
  const parent = exitWithParent({ environment: env, onGone: () => stop.abort(1), graceMs: ORPHAN_GRACE_MS });
  try {
    const running = await daemon.start({ config, env, log, clock: systemClock, shutdown });
    log.info('started', { version: daemon.program.version, parent, ...running });
    // For a parent that holds an IPC channel.
    process.send?.({ type: 'listening', url: running.url, pid: process.pid }, () => undefined);
  } catch (error) {
    stop.abort(1);
    await ended;
    throw error;
  }
  const code = await ended;
  return SIGNAL_CODES.includes(code) ? 0 : code;
}

async function configOf<S extends TObject>(daemon: Daemon<S>, args: Extract<DaemonArgs, { kind: 'run' }>, env: Environment): Promise<Frozen<Static<S>> & CommonSettings> {
  const file = args.configPath === undefined ? undefined : await readSource(args.configPath);
  const loaded = loadConfig(daemon.configSpec, { file, section: daemon.section, environment: env, flags: args.flags }) as Frozen<Static<S>> & CommonSettings;
  return loaded.state_dir === '' ? { ...loaded, state_dir: defaultStateDir(env) } : loaded;
}

function defaultStateDir({ XDG_STATE_HOME: base }: Environment): string {
  return join(base === undefined || base === '' ? join(homedir(), '.local', 'state') : base, 'corral');
}

async function openLog<S extends TObject>({ program, configSpec }: Daemon<S>, config: Frozen<Static<S>> & CommonSettings): Promise<DaemonLog> {
  const folder = join(config.state_dir, 'logs');
  await mkdir(folder, { recursive: true });
  const log = createLog({
    service: program.name,
    level: config.log_level,
    files: [join(folder, `${program.name}.jsonl`)],
    console: process.stderr.isTTY ? 'human' : 'json',
    consoleLevel: 'warn',
    secrets: secretsOf(configSpec.schema, config),
  });
  for (const identity of weakTokens(config.tokens)) log.warn('a token is short; use 32 characters or more', { identity: `token:${identity}` });
  return log;
}

function checked(problems: readonly string[]): number {
  if (problems.length === 0) return say(process.stdout, 'the configuration is valid', 0);
  return say(process.stderr, problems.join('\n'), WRONG_USE);
}

function say(out: NodeJS.WriteStream, text: string, code: number): number {
  out.write(`${text}\n`);
  return code;
}
