// The engine worker; on SIGUSR2 it collects its garbage and writes what is left as one line.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => {
  collect();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  process.stderr.write(`measured ${JSON.stringify({ heapBytes: heapUsed, nativeBytes: rss - heapTotal })}\n`);
});
await import('../dist/llamacpp/worker.js');
