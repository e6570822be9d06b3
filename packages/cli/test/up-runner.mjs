// Runs `corral up` with stand-in daemons. Argument: JSON {request, times}.
import { fileURLToPath } from 'node:url';
import { processContext, runUp, UP_TIMES } from '../dist/index.js';

const { request, times } = JSON.parse(process.argv[2]);
const programs = {
  orchestratord: fileURLToPath(new URL('stand-in-orchestratord.mjs', import.meta.url)),
  'pool-managerd': fileURLToPath(new URL('stand-in-pool-managerd.mjs', import.meta.url)),
};

try {
  const context = await processContext(process.env);
  process.exitCode = await runUp(context, { allowCpu: false, watch: false, once: false, json: false, ...request }, programs, {
    ...UP_TIMES,
    ...times,
  });
} catch (error) {
  process.stderr.write(`${error.message}\nnext: ${error.next}\n`);
  process.exitCode = error.exitCode ?? 1;
}
