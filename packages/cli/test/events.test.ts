import { afterEach, describe, expect, test } from '@jest/globals';
import type { EventEnvelope } from '@corral/contracts';
import { refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serving(handlers: Readonly<Record<string, Handler>>): Promise<FakeServer> {
  return (server = await startFakeServer(handlers));
}

const outcome = { instance_id: 'bot', org_id: 'acme', generation: 3, node_id: 'n1', pool_id: 'p1', replica_id: 'r1', residency: 'resident', last_error: null, duration_ms: 1_200, progress: null, reason: null };

function anEvent(type: string, data: object): EventEnvelope {
  return { specversion: '1.0', id: 'e', type, source: 'pool-managerd/n1', time: '2026-01-01T00:00:00.000Z', datacontenttype: 'application/json', data } as unknown as EventEnvelope;
}

const sse =
  (...entries: readonly (readonly [number, EventEnvelope])[]): Handler =>
  (_req, res) =>
    void res.writeHead(200, { 'content-type': 'text/event-stream' }).end(entries.map(([id, event]) => `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));

describe('corral events', () => {
  test('E-40 prints a line for each event and ends after as many as were asked for', async () => {
    const { url } = await serving({ 'GET /v2/events/stream?since=0': sse([1, anEvent('instance.loaded', outcome)], [2, anEvent('of.the_future', {})], [3, anEvent('instance.unloaded', outcome)]) });
    expect(await runCorral(['events', '--since', '0', '--count', '2', '--url', url])).toEqual({
      code: 0,
      err: '',
      out: '2026-01-01T00:00:00.000Z  instance.loaded           acme/bot  n1/p1  after 1.2 s\n2026-01-01T00:00:00.000Z  of.the_future\n',
    });
  });

  test('E-40 a stream that ends is opened again after the last event that was seen, and --json prints one document each', async () => {
    const [first, second] = [anEvent('instance.loaded', outcome), anEvent('instance.unloaded', outcome)];
    const { url, seen } = await serving({ 'GET /v2/events/stream': sse([7, first]), 'GET /v2/events/stream?since=7': sse([8, second]) });
    const { code, out } = await runCorral(['events', '--json', '--count', '2', '--url', url]);
    expect([code, out.trim().split('\n').map((line) => JSON.parse(line) as unknown)]).toEqual([0, [{ seq: 7, ...first }, { seq: 8, ...second }]]);
    expect(seen.map(({ call }) => call)).toEqual(['GET /v2/events/stream', 'GET /v2/events/stream?since=7']);
  });

  test('E-40 a signal ends it, a refusal is told with its own message, and no server is exit code 3', async () => {
    const endless: Handler = (_req, res) => void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(`id: 1\ndata: ${JSON.stringify(anEvent('instance.loaded', outcome))}\n\n`);
    const { url } = await serving({ 'GET /v2/events/stream': endless, 'GET /v2/events/stream?since=5': refuse(403, { code: 'ROLE_REQUIRED', message: 'this call needs the role system_admin', retriable: false }) });
    expect((await runCorral(['events', '--url', url], { onOut: (_text, signal) => signal('SIGINT') })).code).toBe(0);
    const refused = await runCorral(['events', '--since', '5', '--url', url]);
    expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('this call needs the role system_admin')]);
    expect([(await runCorral(['events', '--url', 'http://127.0.0.1:1'])).code, (await runCorral(['events', '--since', 'x', '--url', url])).code]).toEqual([3, 2]);
  });
});
