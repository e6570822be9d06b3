// A daemon in little: listens, says so, answers a few calls, ends with its parent. STAND_IN (JSON, by name) says how it misbehaves;
// what happens to it is written to the file STAND_IN_LOG.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

export function standIn(name, addressVariable, routes = () => undefined) {
  const all = JSON.parse(process.env.STAND_IN ?? '{}');
  const { failWith, stubborn = false, says = [], sick = false, dieOnce } = all[name] ?? {};
  const log = (what, more = {}) =>
    appendFileSync(process.env.STAND_IN_LOG, `${JSON.stringify({ name, what, pid: process.pid, ...more })}\n`);
  log('start', { env: process.env, args: process.argv.slice(2), atMs: Date.now() });
  if (failWith !== undefined) {
    process.stderr.write(`${name}: ${failWith.text}\n`);
    process.exit(failWith.code);
  }
  for (const { stream, text } of says) process[stream].write(`${text}\n`);

  const server = createServer((req, res) => {
    if (sick) return void res.writeHead(500).end();
    if (dieOnce !== undefined && !existsSync(dieOnce)) {
      writeFileSync(dieOnce, '');
      process.exit(9);
    }
    const answer = req.url === '/health' ? { status: 'ok', version: '0', incarnation: name } : routes(req, res);
    if (answer === undefined) return;
    if (answer === null) res.writeHead(404);
    res.setHeader?.('content-type', 'application/json');
    res.end(JSON.stringify(answer ?? { code: 'NOT_FOUND', message: 'not there', retriable: false }));
  });
  const [host, port] = process.env[addressVariable].split(':');
  server.listen(Number(port), host, () =>
    process.send({ type: 'listening', url: `http://${host}:${server.address().port}`, pid: process.pid }),
  );
  process.once('disconnect', () => process.exit(1));
  process.on('SIGHUP', () => log('SIGHUP'));
  process.on('SIGTERM', () => {
    log('SIGTERM');
    if (!stubborn) process.exit(143);
  });
}
