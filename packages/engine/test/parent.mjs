// A parent that starts one scripted worker and keeps another waiting, says where they are, parks it where it is told to, and waits to be killed.
import { EngineWorkers } from '../dist/index.js';

const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log, isDebugEnabled: () => false };
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
const [entry, behaviour, spec, then] = process.argv.slice(2);
const workers = new EngineWorkers({ program: () => ({ entry, args: [behaviour], env: process.env, clock }), clock });
const device = { deviceKind: 'cpu', deviceMask: '' };
const idlePid = await new Promise((resolve) => workers.standBy(device, { workers: 1, log, onChange: ({ ready, pids }) => ready === 1 && resolve(pids[0]) }));
const forked = new EngineWorkers({ program: () => ({ entry, args: [behaviour], env: process.env, clock }), clock });
const replica = await forked.start(JSON.parse(spec), { signal: new AbortController().signal, log });
if (then === 'park') await replica.park();
process.stdout.write(`${JSON.stringify({ pid: replica.pid, idlePid, socketPath: replica.socketPath })}\n`);
setInterval(quiet, 1_000);
