// A parent that starts one scripted worker, says where it is, and waits to be killed.
import { startReplica } from '../dist/index.js';

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log, isDebugEnabled: () => false };
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
const [entry, behaviour, spec] = process.argv.slice(2);
const replica = await startReplica(JSON.parse(spec), { entry, args: [behaviour], env: process.env, clock }, { signal: new AbortController().signal, log });
process.stdout.write(`${JSON.stringify({ pid: replica.pid, socketPath: replica.socketPath })}\n`);
setInterval(quiet, 1_000);
