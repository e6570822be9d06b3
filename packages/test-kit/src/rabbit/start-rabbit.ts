import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { aliveOf, eventually, familyOf } from '../cluster/processes.js';
import { rabbitEnvironment, writeRabbitFiles, type RabbitPlace } from './rabbit-environment.js';

/** A real RabbitMQ of its own on loopback. */
export interface Rabbit {
  /** With credentials; the same after a restart. */
  readonly url: string;
  readonly port: number;
  /** As an operator would stop it. What is durable stays. */
  stop(): Promise<void>;
  /** SIGKILL. A quorum queue that was declared in the seconds before it stays without a leader: see {@link Rabbit.settle}. */
  kill(): Promise<void>;
  /** Makes it write what it would have written by itself within some seconds, so that queues survive a kill. */
  settle(): Promise<void>;
  /** Again, with what it had. */
  start(): Promise<void>;
  /** Runs `rabbitmqctl` and resolves with what it prints. */
  control(...args: readonly string[]): Promise<string>;
  /** Ends every process of it and removes its folders. */
  remove(): Promise<void>;
}

const BIN = '/usr/lib/rabbitmq/bin';
const STARTED_WITHIN_MS = 120_000;
const STOPPED_WITHIN_MS = 60_000;

/** Starts a broker; about 5 s on a free machine. `config` is added to its configuration file. Rejects with its output when it does not come up. */
export async function startRabbit(config: Readonly<Record<string, string | number>> = {}): Promise<Rabbit> {
  const dir = await mkdtemp(join(tmpdir(), 'corral-rabbit-'));
  const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const place: RabbitPlace = { dir, nodeName: `corral${port}`, port, distributionPort, epmdPort };
  await writeRabbitFiles(place, config);
  const broker = new Broker(place);
  try {
    await broker.start();
  } catch (error) {
    await broker.remove();
    throw error;
  }
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    start: () => broker.start(),
    stop: () => broker.end('SIGTERM'),
    kill: () => broker.end('SIGKILL'),
    settle: async () => void (await broker.control(['eval', '[dets:sync(Table) || Table <- dets:all()].'])),
    control: (...args) => broker.control(args),
    remove: () => broker.remove(),
  };
}

class Broker {
  readonly #env: NodeJS.ProcessEnv;
  #epmd: ChildProcess | null = null;
  #server: ChildProcess | null = null;
  #said = '';

  constructor(private readonly place: RabbitPlace) {
    this.#env = rabbitEnvironment(place);
  }

  async start(): Promise<void> {
    const { port, epmdPort } = this.place;
    // Started by the server it would be a daemon, which nobody ends.
    this.#epmd ??= spawn('/usr/bin/epmd', ['-port', String(epmdPort), '-address', '127.0.0.1', '-relaxed_command_check'], { env: this.#env, stdio: 'ignore' });
    await eventually('epmd listens', STARTED_WITHIN_MS, () => answers(epmdPort));
    this.#said = '';
    const server = spawn(`${BIN}/rabbitmq-server`, [], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#server = server;
    for (const output of [server.stdout, server.stderr]) output.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-20_000)));
    await eventually('the broker answers', STARTED_WITHIN_MS, async () => {
      if (server.exitCode !== null || server.signalCode !== null) throw new Error(`rabbitmq-server ended before it answered:\n${this.#said}`);
      return answers(port, Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'));
    });
  }

  /** SIGTERM lets it write what it holds. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const server = this.#server;
    if (server?.pid === undefined) return;
    const family = await familyOf(server.pid);
    // The shell in front passes nothing on: the pid file names the machine behind it.
    const pid = Number(await readFile(join(this.place.dir, 'pid'), 'utf8').catch(() => '0'));
    if (signal === 'SIGTERM' && family.includes(pid)) kill(pid, 'SIGTERM');
    else for (const member of family) kill(member, 'SIGKILL');
    await eventually('the broker is gone', STOPPED_WITHIN_MS, async () => (await aliveOf(family)).length === 0).catch(() => {
      for (const member of family) kill(member, 'SIGKILL');
    });
    this.#server = null;
  }

  async control(args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(`${BIN}/rabbitmqctl`, ['--quiet', ...args], { env: this.#env, encoding: 'utf8' });
    return stdout;
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    const epmd = this.#epmd;
    this.#epmd = null;
    if (epmd !== null && epmd.exitCode === null && epmd.signalCode === null) {
      const exited = new Promise((resolve) => epmd.once('exit', resolve));
      epmd.kill('SIGKILL');
      await exited;
    }
    await rm(this.place.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Whether something accepts connections there, and says something to `greeting` if one is given. */
function answers(port: number, greeting?: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => (greeting === undefined ? end(true) : socket.write(greeting)));
    socket.once('data', () => end(true));
  });
}

/** The lowest port that the system gives to whoever asks for any: in the seconds until a broker binds them, ports from there on may become somebody else's. */
const GIVEN_FROM = 32_768;
const OURS_FROM = 20_000;

/** A port that nobody has, and that nobody gets who does not ask for it by its number. */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(OURS_FROM, GIVEN_FROM);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of 100 ports from ${OURS_FROM} to ${GIVEN_FROM} is free on 127.0.0.1; end what holds them`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
