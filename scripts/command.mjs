// Runs programs for the scripts: bounded output, a time limit, and nothing left behind when the script itself is ended.
import { spawn } from 'node:child_process';

const OUTPUT_LIMIT_CHARS = 1 << 20;
const KILL_GRACE_MS = 3_000;
const PARENT_LOOK_MS = 500;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
let ending = false;

/**
 * Runs a program to its end, in a process group of its own.
 *
 * Never rejects: a program that cannot be started ends with code 127, one that passes `limitMs` with 124. `output` is the end of what
 * it printed on both streams; it is empty where `stdio` sends the streams elsewhere.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, limitMs?: number, stdio?: import('node:child_process').StdioOptions }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(program, args, { cwd, env, limitMs = 20 * 60_000, stdio = ['ignore', 'pipe', 'pipe'] } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: env ?? process.env, stdio, detached: true });
    let output = '';
    let timedOut = false;
    const keep = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_LIMIT_CHARS);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    running.add(child);
    const timer = setTimeout(() => {
      timedOut = true;
      keep(`\n${program} was ended after ${limitMs / 1000} s\n`);
      void end(child);
    }, limitMs);
    const finish = (code) => {
      clearTimeout(timer);
      running.delete(child);
      // A program that was ended with the script has no result that anybody should report.
      if (!ending) resolve({ code, output });
    };
    child.once('error', (error) => {
      keep(`${program}: ${error.message}\n`);
      finish(127);
    });
    child.once('close', (code, signal) => finish(timedOut ? 124 : (code ?? (signal === null ? 1 : 128))));
  });
}

/**
 * Ends everything that is still running when the script gets a signal, does what `last` says, then ends the script with the signal's exit
 * code.
 *
 * @param {() => Promise<unknown>} [last]
 */
export function endWithSignals(last) {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) process.once(signal, () => endAll(code, last));
}

/** Ends the script, and what it runs, soon after the process that started it was killed without a chance to say so. */
export function endWithParent() {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) endAll(1);
  }, PARENT_LOOK_MS).unref();
}

function endAll(code, last = async () => {}) {
  if (ending) return;
  ending = true;
  void Promise.all([...running].map(end))
    .then(last)
    .finally(() => process.exit(code));
}

/** Ends a program and all of its process group: first politely, then for good. */
async function end(child) {
  signalGroup(child, 'SIGTERM');
  const closed = new Promise((resolve) => child.once('close', resolve));
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, KILL_GRACE_MS).unref())]);
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group is gone already.
  }
}
