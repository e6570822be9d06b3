#!/usr/bin/env node
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig, parseDaemonArgs, readSource } from '@corral/service-kit';
import { startOrchestratord } from './compose.js';
import { configSpec, programOf } from './config.js';
import { checkManifestFile } from './manifest/load-manifest.js';
import { describeProblem } from './manifest/manifest-error.js';
import { VERSION } from './version.js';

const WRONG_USE = 2;

process.exitCode = await main();

async function main(): Promise<number> {
  const args = parseDaemonArgs(process.argv.slice(2), programOf(VERSION));
  if (args.kind === 'wrong_use') return say(process.stderr, args.text, WRONG_USE);
  if (args.kind !== 'run') return say(process.stdout, args.text, 0);
  try {
    const file = args.configPath === undefined ? undefined : await readSource(args.configPath);
    const loaded = loadConfig(configSpec, { file, section: { name: 'orchestratord', others: ['pool_managerd'] }, environment: process.env, flags: args.flags });
    const config = { ...loaded, state_dir: loaded.state_dir === '' ? defaultStateDir() : loaded.state_dir };
    if (args.checkOnly) return await check(config.manifest);
    return await startOrchestratord(config, process.env);
  } catch (error) {
    if (error instanceof ConfigError) return say(process.stderr, `orchestratord: ${error.message}`, WRONG_USE);
    return say(process.stderr, `orchestratord: ${error instanceof Error ? error.message : String(error)}`, 1);
  }
}

async function check(manifest: string): Promise<number> {
  const problems = manifest === '' ? [] : await checkManifestFile(manifest);
  if (problems.length === 0) return say(process.stdout, 'configuration and manifest are valid', 0);
  return say(process.stderr, problems.map((problem) => `${manifest}: ${describeProblem(problem)}`).join('\n'), WRONG_USE);
}

function defaultStateDir(): string {
  const base = process.env['XDG_STATE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.local', 'state') : base, 'corral');
}

function say(out: NodeJS.WriteStream, text: string, code: number): number {
  out.write(`${text}\n`);
  return code;
}
