import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.js';

/** Scripts that write, and say what is durable, until they are killed. None outlives {@link CrashingWriters.killAll}. */
export class CrashingWriters {
  readonly #running: ChildProcess[] = [];

  /** `built` is what the script imports: a process runs what was built. */
  start(script: URL, args: readonly string[], built: URL): ChildProcess {
    const needed = fileURLToPath(built);
    if (!existsSync(needed)) throw new Error(`${needed} is missing; build first with "tsc -b"`);
    const writer = fork(fileURLToPath(script), args, { execArgv: [], env: { ...environment(), NODE_OPTIONS: '' } });
    this.#running.push(writer);
    return writer;
  }

  /** SIGKILL; it is gone when this resolves. */
  async kill(writer: ChildProcess): Promise<void> {
    if (writer.exitCode !== null || writer.signalCode !== null) return;
    writer.kill('SIGKILL');
    await once(writer, 'exit');
  }

  async killAll(): Promise<void> {
    for (const writer of this.#running.splice(0)) await this.kill(writer);
  }
}
