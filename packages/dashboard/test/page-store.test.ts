import { expect, test } from '@jest/globals';
import { ApiClient } from '../src/api/api-client.js';
import { CorralApi } from '../src/api/corral-api.js';
import { SessionKey } from '../src/api/session-key.js';
import { PageStore } from '../src/shell/page-store.js';

/** A store on a server that answers everything with `answer`. */
function rig(answer: () => Response = () => Response.json({ data: [], next_cursor: null })) {
  const asked: string[] = [];
  const key = new SessionKey(null);
  const fetch = (path: string): Promise<Response> => {
    asked.push(path.split('?')[0] ?? '');
    return Promise.resolve(answer());
  };
  const api = new CorralApi(new ApiClient({ fetch, key: key.current }));
  const store = new PageStore({ api, key, clock: { nowMs: () => 0, after: () => () => {} } });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
  return { store, asked, settle };
}

test('U-15 a page that was opened behind another asks nothing, whatever it shows, until it is seen', async () => {
  const { store, asked, settle } = rig();
  store.pause();
  const watched = store.watch(1_000, (client) => client.engines.list());
  store.keepKey('k-1');
  await settle();
  expect(asked).toEqual([]);
  store.start();
  await settle();
  expect(asked.filter((path) => path === '/v2/engines')).toEqual(['/v2/engines']);
  expect(watched.reading.value).toEqual([]);
  store.pause();
});

test('U-30 what somebody else changed first is asked anew at once, as what was done is, and no other failure is', async () => {
  const answers = [200, 412, 404];
  for (const status of answers) {
    const { store, asked, settle } = rig(() => (status === 200 ? Response.json({ data: [], next_cursor: null }) : Response.json({ code: status === 412 ? 'PRECONDITION_FAILED' : 'NOT_FOUND', message: 'no' }, { status })));
    store.start();
    await settle();
    asked.length = 0;
    expect(await store.act('pin tiny', (api) => api.catalog.verify('tiny'))).toBe(status === 200);
    await settle();
    expect([status, store.deeds.isConflict('pin tiny'), asked.includes('/v2/pools')]).toEqual([status, status === 412, status !== 404]);
    store.pause();
  }
});
