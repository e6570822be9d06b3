import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CliContext } from '../cli-context.js';
import { CliFailure, wrongUse } from '../cli-failure.js';
import { findDaemons } from '../up/find-daemons.js';
import { runUp } from '../up/run-up.js';
import type { UpRequest } from '../up/up-request.js';
import type { Globals } from './globals.js';

export interface UpOptions extends Globals {
  readonly manifest?: string | undefined;
  readonly config?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly port?: string | undefined;
  readonly poolPort?: string | undefined;
  readonly allowCpu?: boolean | undefined;
  readonly watch?: boolean | undefined;
  readonly ask?: string | undefined;
  readonly once?: boolean | undefined;
}

/** `corral up`: both daemons in the foreground. Resolves with the exit code. */
export async function up(context: CliContext, options: UpOptions): Promise<number> {
  const request = upRequest(options, context.workDir);
  await Promise.all([readable('--manifest', request.manifestPath), readable('--config', request.configPath)]);
  return runUp(context, request, await findDaemons());
}

/** Flags as a request; a wrong one names the right form. */
export function upRequest(options: UpOptions, workDir: string): UpRequest {
  const { manifest, config, stateDir, port, poolPort, ask } = options;
  const once = options.once === true;
  if (once && ask === undefined)
    throw wrongUse('--once ends after the answer, and nothing is asked', 'add --ask "TEXT", or leave --once out');
  if (ask?.trim() === '') throw wrongUse('--ask has no text', 'write --ask "What is the capital of Japan?"');
  return {
    manifestPath: manifest === undefined ? undefined : resolve(workDir, manifest),
    configPath: config === undefined ? undefined : resolve(workDir, config),
    stateDir: stateDir === undefined ? undefined : resolve(workDir, stateDir),
    port: portOf('--port', port),
    poolPort: portOf('--pool-port', poolPort),
    allowCpu: options.allowCpu === true,
    watch: options.watch === true,
    ask,
    once,
    json: options.json,
  };
}

function portOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw wrongUse(`${flag} ${text} is no port`, 'give a number from 1 to 65535, or 0 for a free port');
  return Number(text);
}

async function readable(flag: string, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw new CliFailure(`${flag} ${path} cannot be read (${error.code})`, { next: 'check the path', exitCode: 2 });
  });
}
