import { expect, test } from '@jest/globals';
import type { EngineBundle } from '@corral/contracts';
import { createHttpApp, createHttpClient, listen, Operations, silentLog, systemClock } from '@corral/service-kit';
import { engineRoutes } from '../src/http/engines.routes.js';
import { standInNodes } from './stand-in-nodes.js';

const bundle = {
  engine_id: 'prebuilt', engine: 'llamacpp', version: '3.22.1', mode: 'package', build_ref: null, digest: null, build_flags: [], artifacts: [], size_bytes: 1, location: '/engines/prebuilt', in_place: true,
  device_kinds: ['cpu'], chosen_for: ['cpu'], gain: null, verification: { result: 'pass', reason: 'as it was' }, last_verified_ms: 1, state: 'Active', pinned: false, created_ms: 1, last_used_ms: null, used_by: [],
} satisfies EngineBundle;

test('D-11 the list has the bundles of every node that answers, and names those that do not', async () => {
  const nodes = await standInNodes({ n1: {}, n2: { answers: [503, { code: 'SHUTTING_DOWN', message: 'n2 stops', retriable: true }] }, n3: { isGone: true }, n4: { online: false } }, () => ({ data: [bundle], next_cursor: null }));
  const operations = new Operations({ clock: systemClock, log: silentLog });
  const app = createHttpApp({ log: silentLog, routes: (routes) => engineRoutes(routes, { nodes, operations, audit: { record: () => Promise.resolve() }, clock: systemClock }) });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
  const client = createHttpClient({ baseUrl: server.url });
  try {
    expect(await client.json('GET', '/v2/engines')).toEqual({
      data: [{ node_id: 'n1', ...bundle }],
      unreachable: [
        { node_id: 'n2', message: expect.stringContaining('n2 stops') },
        { node_id: 'n3', message: expect.stringContaining('node n3 cannot be reached') },
      ],
      next_cursor: null,
    });
  } finally {
    await client.close();
    await server.close(0);
    operations.close();
    await nodes.close();
  }
});
