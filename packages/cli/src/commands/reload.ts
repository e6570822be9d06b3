import { join, resolve } from 'node:path';
import { OrchestratorState, STATE_FILE, validator } from '@corral/contracts';
import { readJsonFile } from '@corral/service-kit';
import type { CliContext, Environment } from '../cli-context.js';
import { CliFailure, wrongUse } from '../cli-failure.js';
import { requestReload, type ReloadCredential } from '../client/request-reload.js';
import { EXIT } from '../exit-code.js';
import { problemLines, reloadLine } from '../render/reload-text.js';
import { stateDirOf } from '../state-dir.js';
import { printJson, type Globals } from './globals.js';

export interface ReloadOptions extends Globals {
  readonly config?: string | undefined;
  readonly manifest?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly adminUrl?: string | undefined;
  readonly timeout: string;
}

const checkState = validator(OrchestratorState);

/** `corral reload`: asks the server to serve its manifest as the file is now. Resolves with the exit code. [F-12 F-13] */
export async function reload(context: CliContext, options: ReloadOptions): Promise<number> {
  const { clock, out, err, workDir } = context;
  const timeoutMs = timeoutOf(options.timeout);
  const named = options.config ?? options.manifest;
  if (options.config !== undefined && options.manifest !== undefined && options.config !== options.manifest)
    throw wrongUse('--config and --manifest name two files', 'give one of them; they mean the same');
  const credential = credentialIn(context.env, options.token);
  const url = options.adminUrl ?? options.url ?? (await listenerOf(context, options.stateDir));
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw wrongUse(`${JSON.stringify(url)} is not the address of a server`, 'give one like http://127.0.0.1:8080 with --admin-url');
  const path = named === undefined ? {} : { path: resolve(workDir, named) };
  const answer = await requestReload({ url, credential, request: { source: 'cli', ...path }, timeoutMs, nowMs: clock.nowMs() });
  if (options.json) printJson(context, answer);
  else out.write(`${reloadLine(answer)}\n`);
  if (answer.status === 'ok') {
    if (!options.json) answer.notes.forEach((note) => out.write(`  ${note}\n`));
    return EXIT.done;
  }
  if (!options.json) problemLines(answer).forEach((line) => err.write(`  ${line}\n`));
  return EXIT.failed;
}

/** The first key, else the secret. [F-13] */
function credentialIn(env: Environment, token: string | undefined): ReloadCredential {
  const keys = env['ORCHESTRATOR_API_KEYS'] || env['HARN_ORCHESTRATOR_API_KEYS'] || '';
  const key = token ?? keys.split(',').map((part) => part.trim()).find((part) => part !== '');
  if (key !== undefined) return { kind: 'key', key };
  const secret = env['ORCHESTRATOR_HMAC_SECRET'] || env['HARN_ORCHESTRATOR_HMAC_SECRET'] || '';
  if (secret !== '') return { kind: 'hmac', secret };
  throw new CliFailure('nothing here may reload the manifest: neither ORCHESTRATOR_API_KEYS nor ORCHESTRATOR_HMAC_SECRET is set', {
    next: 'set one of them as the server has it, or send SIGHUP to orchestratord',
    exitCode: EXIT.refused,
  });
}

/** Where the server of a state directory listens, as it wrote down itself. */
async function listenerOf(context: CliContext, flag: string | undefined): Promise<string> {
  const path = join(stateDirOf(context, flag), STATE_FILE);
  const read = await readJsonFile(path).catch((error: Error) => {
    throw new CliFailure(error.message, { next: 'name the server with --admin-url' });
  });
  const fallback = context.env['CORRAL_URL'] || undefined;
  if (read === undefined && fallback !== undefined) return fallback;
  const next = 'start it with scripts/up, or name another server with --state-dir or --admin-url';
  if (read === undefined) throw new CliFailure(`no server has run with this state directory: there is no ${path}`, { next, exitCode: EXIT.unreachable });
  const state = checkState(read);
  if (!state.ok) throw new CliFailure(`${path} is not what this version writes`, { next: 'name the server with --admin-url' });
  const { status, stopped_at: stoppedAt, listener_url: url, bind } = state.value;
  if (status === 'stopped') throw new CliFailure(`the server of this state directory stopped at ${stoppedAt ?? 'an unknown time'}`, { next, exitCode: EXIT.unreachable });
  return url === '' ? `http://${bind}` : url;
}

function timeoutOf(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !Number.isFinite(seconds) || seconds <= 0 || seconds > 86_400) throw wrongUse(`--timeout ${text} is no time`, 'give seconds, such as 30');
  return seconds * 1_000;
}
