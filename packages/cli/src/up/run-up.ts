import { join } from 'node:path';
import { OPERATOR_TOKEN_FILE } from '@corral/contracts';
import { formatDuration, readSecret } from '@corral/service-kit';
import type { CliContext } from '../cli-context.js';
import { createCorralClient, type CorralClient } from '../client/corral-client.js';
import { firstModel } from '../client/served-models.js';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import { failureLines } from '../failure-lines.js';
import { createProgressReporter, type ProgressReporter } from '../render/progress-reporter.js';
import { stateDirOf } from '../state-dir.js';
import { announcement } from './announcement.js';
import { askUntilAnswered } from './ask-until-answered.js';
import { HomeDaemons } from './home-daemons.js';
import { readSharedConfig } from './read-shared-config.js';
import { readyEvent, waitForHealth, type ReadyEvent } from './ready-event.js';
import { listenForStops, StopRequest } from './stop-requests.js';
import { tokenOf, type HomeToken } from './home-token.js';
import { takeUpLock } from './up-lock.js';
import { someRegistered, waitForPools } from './wait-for-pools.js';
import { UP_TIMES, type DaemonPrograms, type UpRequest, type UpTimes } from './up-request.js';

interface Running {
  readonly context: CliContext;
  readonly request: UpRequest;
  readonly times: UpTimes;
  readonly progress: ProgressReporter;
  readonly home: HomeDaemons;
  readonly token: HomeToken | undefined;
  readonly stateDir: string;
  readonly signal: AbortSignal;
}

/**
 * Runs the home profile in the foreground until a signal, or with `once` until the answer. Resolves with the exit code when
 * both daemons are gone; rejects when they cannot be started or, with `once`, when there is no answer. [P-02]
 */
export async function runUp(context: CliContext, request: UpRequest, programs: DaemonPrograms, times: UpTimes = UP_TIMES): Promise<number> {
  const { clock, env, err } = context;
  const progress = createProgressReporter(err, clock);
  const config = await readSharedConfig(request.configPath);
  const stateDir = stateDirOf(context, request.stateDir ?? stateDirIn(config.orchestratord, env));
  const lock = await takeUpLock(stateDir, { clock, leftoversWithinMs: times.leftoversWithinMs });
  const stopped = new AbortController();
  let stopListening: (() => void) | undefined;
  try {
    const home = new HomeDaemons(context, {
      settings: { env, config, request, stateDir },
      programs,
      times,
      lock,
      note: (line) => progress.note(line),
    });
    stopListening = listenForStops(context, {
      onStop: (stop) => {
        stopped.abort(stop);
        progress.note('stopping');
      },
      onStopAgain: () => void home.stop(0),
      onReload: () => home.reload(),
    });
    try {
      return await serve({ context, request, times, progress, home, token: tokenOf(env, config.orchestratord), stateDir, signal: stopped.signal });
    } finally {
      progress.clear();
      await home.stop();
    }
  } catch (error) {
    if (stopped.signal.reason instanceof StopRequest) return stopped.signal.reason.exitCode;
    throw error;
  } finally {
    stopListening?.();
    await lock.release();
  }
}

async function serve(running: Running): Promise<number> {
  const { context, request, progress, signal } = running;
  const ready = await untilStopped(signal, start(running));
  if (request.json) context.out.write(`${JSON.stringify(ready)}\n`);
  else if (request.ask === undefined) notePoolProblems(progress, ready);
  const client = createCorralClient({ url: ready.listener_url, token: await operatorToken(running) });
  try {
    if (request.ask !== undefined) await ask(running, client, request.ask);
    if (request.once) return EXIT.done;
    if (!request.json) await announce(running, client, ready);
  } finally {
    await client.close();
  }
  return untilStopped(signal, new Promise<never>(() => {}));
}

function notePoolProblems(progress: ProgressReporter, { pools }: ReadyEvent): void {
  for (const { pool_id, ready, last_error } of pools) {
    if (!ready && last_error !== null) progress.note(`pool ${pool_id} is not ready: ${last_error}`);
  }
}

/** Both daemons answer `/health`. Waits for no pool and no model. */
async function start(running: Running): Promise<ReadyEvent> {
  const { context, times, progress, home, token, signal } = running;
  const { clock } = context;
  const startedMs = clock.monotonicMs();
  const healthWait = { clock, withinMs: times.healthyWithinMs, signal };
  await home.checkPorts();
  progress.show({ label: 'starting orchestratord', doneBytes: null, totalBytes: null });
  const orchestratord = await home.startOrchestratord();
  await waitForHealth('orchestratord', { url: orchestratord.url, token: token?.value }, healthWait);
  progress.show({ label: 'starting pool-managerd', doneBytes: null, totalBytes: null });
  const poolManagerd = await home.startPoolManagerd(orchestratord.url);
  await waitForHealth('pool-managerd', { url: poolManagerd.url, token: token?.value }, healthWait);
  const client = createCorralClient({ url: orchestratord.url, token: await operatorToken(running) });
  try {
    const pools = await waitForPools(client, { clock, withinMs: times.poolsWithinMs, signal, isEnough: someRegistered });
    progress.clear();
    progress.note(`both daemons are up (${formatDuration(clock.monotonicMs() - startedMs)})`);
    return readyEvent(orchestratord, poolManagerd, pools);
  } finally {
    await client.close();
  }
}

/** Prints the answer. One that fails ends the program only where nothing else was asked of it. */
async function ask({ context, request, progress, signal }: Running, client: CorralClient, question: string): Promise<void> {
  try {
    const text = await askUntilAnswered(context, client, progress, { text: question, isStreamed: !request.json, signal });
    if (request.json) context.out.write(`${JSON.stringify({ event: 'answer', text })}\n`);
  } catch (error) {
    if (signal.aborted || request.once) throw error;
    failureLines(error, context.errColors).forEach((line) => progress.note(line));
  }
}

async function announce({ progress, token, signal }: Running, client: CorralClient, ready: ReadyEvent): Promise<void> {
  const model = await firstModel(client, { signal }).catch(() => undefined);
  const shown = token ?? ((await needsKey(ready.listener_url, signal)) ? { inShell: '$CORRAL_TOKEN' } : undefined);
  announcement({ ...ready, model, token: shown }).forEach((line) => progress.note(line));
}

/** The configured token, else the one that the daemons of this state directory share once they run. [B-135] */
async function operatorToken({ token, stateDir }: Pick<Running, 'token' | 'stateDir'>): Promise<string | undefined> {
  return token?.value ?? (await readSecret(join(stateDir, OPERATOR_TOKEN_FILE)));
}

/** Whether callers on this machine are refused without one. */
async function needsKey(url: string, signal: AbortSignal): Promise<boolean> {
  const anyone = createCorralClient({ url, token: undefined });
  try {
    return await firstModel(anyone, { signal }).then(
      () => false,
      (error: unknown) => error instanceof CliFailure && error.exitCode === EXIT.refused,
    );
  } finally {
    await anyone.close();
  }
}

function stateDirIn(section: Readonly<Record<string, unknown>>, env: CliContext['env']): string | undefined {
  const named = section['state_dir'];
  return typeof named === 'string' && named !== '' && !env['CORRAL_STATE_DIR'] ? named : undefined;
}

/** The result of `work`, or the stop request, whichever comes first. */
async function untilStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
