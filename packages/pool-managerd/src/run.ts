import { join } from 'node:path';
import type { EngineProvider } from '@corral/engine';
import { runDaemon } from '@corral/service-kit';
import type { Clock, Log } from '@corral/service-kit';
import { startNode } from './compose.js';
import { configSpec, programOf } from './config.js';
import { VERSION } from './version.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface RunOptions {
  /** Without node and script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Makes the engine. A test hands in one whose faults are chosen. */
  engine(parts: { readonly env: Environment; readonly clock: Clock; readonly log: Log; readonly cacheDir: string }): EngineProvider;
}

/** The life of pool-managerd, from its arguments to its exit code. */
export function runPoolManagerd({ engine, ...options }: RunOptions): Promise<number> {
  return runDaemon(
    {
      program: programOf(VERSION),
      configSpec,
      section: { name: 'pool_managerd', others: ['orchestratord'] },
      start: (context) => startNode({ ...context, engine: engine({ ...context, cacheDir: join(context.config.state_dir, 'cache', 'engine') }), random: Math.random }),
    },
    options,
  );
}
