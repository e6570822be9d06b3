import { runWorker } from '../worker/run-worker.js';
import { openPublic } from './open-public.js';
import { readWorkerArguments } from './worker-arguments.js';

/** Program of a llama.cpp engine worker that trusts nothing. */
runWorker(() => openPublic(readWorkerArguments()));
