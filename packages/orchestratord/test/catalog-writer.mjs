// Eight writers change a catalog without a pause, until the process is killed. Tells what was acknowledged.
import { silentLog, systemClock } from '@corral/service-kit';
import { Catalog } from '../dist/catalog/catalog.js';
import { CatalogCalls } from '../dist/catalog/catalog-calls.js';
import { CatalogIndex } from '../dist/catalog/catalog-index.js';
import { EventFeed } from '../dist/events/event-feed.js';
import { OwnEvents } from '../dist/events/own-events.js';
import { openStore } from '../dist/store/open-store.js';

const [stateDir, from, changes] = process.argv.slice(2);
const served = { current: () => ({ models: new Map(), routes: new Map() }) };
const store = await openStore({ stateDir, clock: systemClock, log: silentLog });
const events = new OwnEvents({ store, feed: new EventFeed(0), clock: systemClock, log: silentLog, isBrokered: false });
const catalog = await Catalog.open({ store, events, served: served.current });
const index = new CatalogIndex({ catalog, found: () => undefined, places: () => [] });
const calls = new CatalogCalls({ catalog, index, served });
const call = { by: { actor: 'writer' } };
let next = Number(from);
const end = next + Number(changes);

async function write() {
  for (let n = next++; n < end; n = next++) {
    const id = `m-${n}`;
    await calls.register({ id, source_url: `file:/models/${n}.gguf`, tags: ['a', 'b'] }, call);
    if (n % 4 > 0) await calls.setPinned(id, true, call);
    if (n % 4 > 1) await calls.setState(id, { state: 'Retired' }, call);
    if (n % 4 > 2) await calls.remove(id, null, call);
    process.send({ id, kind: n % 4 });
  }
}
process.send('open');
await Promise.all(Array.from({ length: 8 }, write));
await catalog.close();
await store.close();
process.send('done', () => process.disconnect());
