import { afterEach, describe, expect, test } from '@jest/globals';
import type { Role } from '@corral/contracts';
import { createHttpApp, listen, readSse, silentLog, systemClock, type Gate, type SseEvent } from '@corral/service-kit';
import { eventually } from '@corral/test-kit';
import type { AccessCaller } from '../src/access/principal.js';
import { EventFeed } from '../src/events/event-feed.js';
import { eventRoutes } from '../src/http/events.routes.js';
import { aCommand } from './fixtures.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The stream behind a gate that lets everybody in as one role. */
async function served(role: Role = 'system_admin') {
  const feed = new EventFeed(0);
  const caller = { principal: { orgId: 'default', role, keyId: null, identity: 'test' } } as unknown as AccessCaller;
  const auth: Gate = () => caller;
  const app = createHttpApp({ log: silentLog, auth, routes: (routes) => eventRoutes(routes, { feed, clock: systemClock }) });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
  closing.push(() => server.close(0));
  return { feed, url: new URL('/v2/events/stream', server.url) };
}

/** Reads `count` events, then leaves. */
async function read(url: URL, count: number, headers: Record<string, string> = {}): Promise<readonly SseEvent[]> {
  const leave = new AbortController();
  const response = await fetch(url, { headers, signal: leave.signal });
  const seen: SseEvent[] = [];
  for await (const event of readSse(response.body as unknown as AsyncIterable<Uint8Array>)) {
    seen.push(event);
    if (seen.length === count) break;
  }
  leave.abort();
  return seen;
}

describe('GET /v2/events/stream', () => {
  test('E-40 a reader gets what comes, and one that comes back gets what it missed', async () => {
    const { feed, url } = await served();
    const [first, second] = [aCommand({ generation: 1 }), aCommand({ generation: 2 })];
    feed.put(first);
    const coming = read(url, 1);
    const sending = setInterval(() => feed.put(second), 20);
    expect(await coming).toEqual([{ id: expect.any(String), event: 'orchestrator.load', data: JSON.stringify(second) }]);
    clearInterval(sending);
    const all = await read(new URL('?since=0', url), 2);
    expect(all.map(({ id, data }) => [id, data])).toEqual([['1', JSON.stringify(first)], ['2', JSON.stringify(second)]]);
    expect((await read(url, 1, { 'last-event-id': '1' })).map(({ id }) => id)).toEqual(['2']);
  });

  test('E-40 B-116 it is for system admins, and an id that is none is named', async () => {
    const { url } = await served('org_admin');
    const admin = await served();
    const refused = await fetch(url);
    const malformed = await fetch(new URL('?since=yesterday', admin.url));
    expect([refused.status, await refused.json(), malformed.status, await malformed.json()]).toMatchObject([403, { code: 'ROLE_REQUIRED' }, 400, { code: 'INVALID_PARAMS', field: 'since' }]);
  });

  test('E-40 a reader who does not read is cut, and others go on', async () => {
    const { feed, url } = await served();
    const stuck = await fetch(url);
    const big = aCommand();
    const event = { ...big, data: { ...big.data, reason: 'x'.repeat(20_000) } };
    let isCut = false;
    // Reading begins only when everything was written.
    await eventually('it is cut', 60_000, async () => {
      for (let n = 0; n < 500; n += 1) feed.put(event);
      await new Promise((resolve) => setTimeout(resolve, 20));
      isCut ||= feed.listeners === 0;
      return isCut;
    });
    await expect(stuck.text()).rejects.toThrow();
    expect(await read(new URL('?since=0', url), 1)).toHaveLength(1);
  }, 600_000);
});
