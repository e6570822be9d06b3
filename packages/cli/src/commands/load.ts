import { LoadAccepted, UnloadAccepted, validator, type Instance } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { CliFailure, wrongUse } from '../cli-failure.js';
import type { CorralClient } from '../client/corral-client.js';
import { fetchInstance, instanceNamed, instancePath, type InstanceName } from '../client/instance-calls.js';
import { EXIT } from '../exit-code.js';
import { createProgressReporter, type ProgressReporter } from '../render/progress-reporter.js';
import type { ProgressView } from '../render/progress-view.js';
import { printJson, withClient, type Globals } from './globals.js';

export interface LoadOptions extends Globals {
  readonly org: string;
  readonly tier?: string | undefined;
  readonly wait?: boolean | undefined;
  readonly timeout: string;
}

const checkLoad = validator(LoadAccepted);
const checkUnload = validator(UnloadAccepted);
const LOOK_EVERY_MS = 300;
/** A load that failed shows so for longer than the moment between the call and its beginning. */
const LOOKS_UNTIL_FAILED = 4;

/** `corral load ORG/INSTANCE`: publishes the load; with `--wait` it ends when the instance is there, or cannot be. */
export async function load(context: CliContext, options: LoadOptions, text: string): Promise<void> {
  const name = instanceNamed(text, options.org);
  const timeoutMs = timeoutOf(options.timeout);
  await withClient(context, options, async (client) => {
    const accepted = await client.post(`${instancePath(name)}/load`, options.tier === undefined ? {} : { tier: options.tier }, checkLoad);
    if (options.wait !== true) return tell(context, options, accepted, `load of ${name.org}/${name.instance} published, tier ${accepted.tier}`);
    const isThere = (one: Instance): boolean => one.is_ready || (accepted.tier === 'warm' && one.residency === 'staged');
    const record = await watch(context, client, name, { timeoutMs, isDone: isThere, failureOf: failureWatch() });
    tell(context, options, record, `${name.org}/${name.instance} is ${record.is_ready ? `ready in pool ${record.pool_id ?? '?'}` : 'staged'}`);
  });
}

/** `corral unload ORG/INSTANCE`: publishes the unload; with `--wait` it ends when the instance has left. */
export async function unload(context: CliContext, options: LoadOptions, text: string): Promise<void> {
  const name = instanceNamed(text, options.org);
  const timeoutMs = timeoutOf(options.timeout);
  await withClient(context, options, async (client) => {
    const accepted = await client.post(`${instancePath(name)}/unload`, undefined, checkUnload);
    if (options.wait !== true) return tell(context, options, accepted, `unload of ${name.org}/${name.instance} published`);
    const hasLeft = (one: Instance): boolean => one.held_tier === null && !['resident', 'draining', 'loading'].includes(one.residency);
    const record = await watch(context, client, name, { timeoutMs, isDone: hasLeft, failureOf: () => null });
    tell(context, options, record, `${name.org}/${name.instance} is unloaded (${record.residency})`);
  });
}

interface Watched {
  readonly timeoutMs: number;
  isDone(record: Instance): boolean;
  /** Why it will not come to that; `null` while it may. */
  failureOf(record: Instance): string | null;
}

async function watch(context: CliContext, client: CorralClient, name: InstanceName, { timeoutMs, isDone, failureOf }: Watched): Promise<Instance> {
  const { clock, signals } = context;
  const stopped = new AbortController();
  const stop = (signal: 'SIGINT' | 'SIGTERM') => signals.on(signal, () => stopped.abort(new CliFailure('stopped; the server goes on', { exitCode: signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated })));
  const off = [stop('SIGINT'), stop('SIGTERM')];
  const progress = createProgressReporter(context.err, clock);
  const untilMs = clock.monotonicMs() + timeoutMs;
  try {
    for (;;) {
      const record = await fetchInstance(client, name, { signal: stopped.signal });
      if (isDone(record)) return record;
      const failure = failureOf(record);
      if (failure !== null) throw new CliFailure(`${name.org}/${name.instance} could not be loaded: ${failure}`, { next: `corral instances show ${name.org}/${name.instance} tells what happened` });
      if (clock.monotonicMs() >= untilMs) throw new CliFailure(`${name.org}/${name.instance} is not there after ${timeoutMs / 1_000} s (${record.residency})`, { next: 'it goes on: wait longer with --timeout, or look with corral instances show' });
      showProgress(progress, record);
      await clock.sleep(LOOK_EVERY_MS, stopped.signal).catch(() => undefined);
    }
  } finally {
    progress.clear();
    for (const end of off) end();
  }
}

function failureWatch(): Watched['failureOf'] {
  let looks = 0;
  return ({ residency, progress, last_error: error }) => {
    const isStuck = error !== null && progress === null && residency !== 'loading';
    looks = isStuck ? looks + 1 : 0;
    return looks >= LOOKS_UNTIL_FAILED ? error : null;
  };
}

function showProgress(progress: ProgressReporter, { residency, progress: now }: Instance): void {
  const view: ProgressView = now === null ? { label: residency, doneBytes: null, totalBytes: null } : { label: labelOf(now.phase, now.bytes_total === null ? now.fraction : null), doneBytes: now.bytes_done, totalBytes: now.bytes_total };
  progress.show(view);
}

function labelOf(phase: string, fraction: number | null): string {
  return `${phase.replaceAll('_', ' ')}${fraction === null ? '' : `, ${Math.floor(fraction * 100)} %`}`;
}

function timeoutOf(text: string): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (seconds >= 0 && seconds <= 86_400) return seconds * 1_000;
  throw wrongUse(`--timeout ${text} is no number of seconds`, 'give a number from 0 to 86400');
}

function tell(context: CliContext, { json }: Globals, document: unknown, line: string): void {
  if (json) printJson(context, document);
  else context.out.write(`${line}\n`);
}
