import { afterAll, afterEach, expect, test } from '@jest/globals';
import { decodeEvent } from '@corral/contracts';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, aModelSpec, removeFolders } from '../../test/fixtures.js';
import { aManifest } from '../../test/residency-rig.js';
import { EventFeed } from '../events/event-feed.js';
import { OwnEvents } from '../events/own-events.js';
import type { ServedManifest } from '../manifest/served-manifest.js';
import { openStore, type Store } from '../store/open-store.js';
import { readCatalog } from '../store/model-rows.js';
import { waitingOwnEvents } from '../store/own-event-rows.js';
import { Catalog } from './catalog.js';
import { intentOf } from './model-intent.js';

const opened: Store[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((store) => store.close()))));
afterAll(removeFolders);

async function aCatalog({ stateDir, manifest = aManifest([]) }: { stateDir?: string; manifest?: ServedManifest } = {}) {
  const clock = new FakeClock(1_000);
  const folder = stateDir ?? (await aFolder());
  const store = await openStore({ stateDir: folder, clock, log: silentLog });
  opened.push(store);
  const served = { now: manifest };
  const feed = new EventFeed(0);
  const events = new OwnEvents({ store, feed, clock, log: silentLog, isBrokered: true });
  const catalog = await Catalog.open({ store, events, served: () => served.now });
  return { clock, folder, store, catalog, served, feed };
}

const BY = { actor: 'key:k1', correlationId: 'c1' };
const put = (catalog: Catalog, id: string) => catalog.change(id, (_, nowMs) => ({ next: intentOf(aModelSpec({ model_id: id }), 'api', nowMs), answer: id }), BY);
const retire = (catalog: Catalog, id: string) => catalog.change(id, (before, nowMs) => ({ next: before === undefined ? undefined : { ...before, state: 'Retired', retiredAtMs: nowMs }, answer: null }), BY);

async function reopened(one: { readonly store: Store; readonly folder: string; readonly catalog: Catalog }, manifest?: ServedManifest) {
  await one.catalog.close();
  opened.splice(opened.indexOf(one.store), 1);
  await one.store.close();
  return aCatalog({ stateDir: one.folder, ...(manifest === undefined ? {} : { manifest }) });
}

test('G-19 every change counts, what changes nothing does not, and a restart knows the number', async () => {
  const one = await aCatalog();
  const told: string[][] = [];
  one.catalog.onChange((ids) => void told.push([...ids]));
  expect(await Promise.all([put(one.catalog, 'b'), put(one.catalog, 'a')])).toEqual(['b', 'a']);
  await one.catalog.change('a', () => ({ answer: undefined }), BY);
  expect([one.catalog.version(), told]).toEqual([2, [['b', 'a']]]);
  const again = await reopened(one);
  expect([again.catalog.version(), again.catalog.records().map(({ spec }) => spec.model_id)]).toEqual([2, ['a', 'b']]);
});

test('G-19 a change that throws fails alone, and sees what changes before it made', async () => {
  const { catalog } = await aCatalog();
  const seen: unknown[] = [];
  const results = await Promise.allSettled([
    put(catalog, 'a'),
    catalog.change('a', (before) => {
      seen.push(before?.modelId);
      throw new Error('no');
    }, BY),
    retire(catalog, 'a'),
  ]);
  expect([results.map(({ status }) => status), seen, catalog.record('a')?.state]).toEqual([['fulfilled', 'rejected', 'fulfilled'], ['a'], 'Retired']);
});

test('G-19 what the store does not take is not in memory either', async () => {
  const { catalog, store } = await aCatalog();
  await put(catalog, 'a');
  await store.db.schema.alterTable('models').renameTo('elsewhere').execute();
  await expect(put(catalog, 'b')).rejects.toThrow('no such table');
  await store.db.schema.alterTable('elsewhere').renameTo('models').execute();
  expect([catalog.version(), catalog.records().map(({ spec }) => spec.model_id)]).toEqual([1, ['a']]);
});

test('G-19 the manifest says what its models are; state and pin that somebody set hold over it, and over restarts', async () => {
  const manifest = aManifest(['m']);
  const one = await aCatalog({ manifest });
  await retire(one.catalog, 'm');
  await one.catalog.change('m', (before) => ({ next: before && { ...before, pinOverride: true }, answer: null }), BY);
  const spec = manifest.models.get('m')?.spec;
  const again = await reopened(one, manifest);
  expect(again.catalog.record('m')).toEqual({ spec: { ...spec, pinned: true }, origin: 'manifest', state: 'Retired' });
  await again.catalog.follow(aManifest([]));
  again.served.now = aManifest([]);
  expect(again.catalog.record('m')).toMatchObject({ origin: 'node', state: 'Retired' });
});

test('G-19 a model that a call defined serves as the manifest says while that names it, and as before afterwards', async () => {
  const { catalog, served } = await aCatalog();
  await put(catalog, 'm');
  served.now = aManifest(['m']);
  await catalog.follow(served.now);
  expect([catalog.record('m')?.origin, catalog.record('m')?.spec.sources]).toEqual(['manifest', ['file:/models/m.gguf']]);
  served.now = aManifest([]);
  await catalog.follow(served.now);
  expect([catalog.record('m')?.origin, catalog.record('m')?.spec.sources]).toEqual(['api', ['file:/models/smollm2.gguf']]);
});

test('G-19 what the manifest drops goes, where nobody said anything of it', async () => {
  const { catalog, served } = await aCatalog({ manifest: aManifest(['a', 'b']) });
  served.now = aManifest(['b']);
  await catalog.follow(served.now);
  expect(catalog.records().map(({ spec }) => spec.model_id)).toEqual(['b']);
});

test('G-19 nodes are told of state and pin of every model, and of purged ones until long after', async () => {
  const { catalog, clock } = await aCatalog();
  await put(catalog, 'a');
  await put(catalog, 'b');
  await retire(catalog, 'a');
  await catalog.change('b', (before, nowMs) => ({ next: before && { ...before, removedAtMs: nowMs }, answer: null }), BY);
  const rest = { digest: aModelSpec().digest, sources: aModelSpec().sources, pinned: false };
  expect(catalog.forNodes()).toEqual({ catalog_version: 4, models: [{ ...rest, model_id: 'a', state: 'Retired', retired_at_ms: 1_000 }, { ...rest, model_id: 'b', state: 'Removed', retired_at_ms: null }] });
  expect([catalog.intent('b'), catalog.record('b'), catalog.isRemoved('b', String(rest.digest)), catalog.isRemoved('b', `sha256:${'c'.repeat(64)}`)]).toEqual([undefined, undefined, true, false]);
  await clock.advance(89 * 86_400_000);
  await catalog.forgetRemoved();
  expect(catalog.forNodes().models).toHaveLength(2);
  await clock.advance(2 * 86_400_000);
  await catalog.forgetRemoved();
  expect(catalog.forNodes().models.map(({ model_id }) => model_id)).toEqual(['a']);
});

test('G-22 the spec of a model that a node brought is kept when it is used, and the latest digest of it', async () => {
  const one = await aCatalog();
  await one.catalog.keep([aModelSpec({ model_id: 'x', sources: ['catalog:x'] })]);
  await one.catalog.keep([aModelSpec({ model_id: 'x', sources: ['catalog:x'], digest: `sha256:${'d'.repeat(64)}` })]);
  const again = await reopened(one);
  expect(again.catalog.record('x')).toEqual({ spec: aModelSpec({ model_id: 'x', sources: ['catalog:x'], digest: `sha256:${'d'.repeat(64)}` }), origin: 'node', state: 'Active' });
});

test('G-09 a purged model that leaves its places is not meant again by that; another file under its id is', async () => {
  const { catalog } = await aCatalog();
  await put(catalog, 'x');
  await catalog.change('x', (before, nowMs) => ({ next: before && { ...before, removedAtMs: nowMs }, answer: null }), BY);
  await catalog.keep([aModelSpec({ model_id: 'x' }), aModelSpec({ model_id: 'x', digest: null })]);
  expect([catalog.intent('x'), catalog.isPurged('x')]).toEqual([undefined, true]);
  await catalog.keep([aModelSpec({ model_id: 'x', digest: `sha256:${'e'.repeat(64)}` })]);
  expect([catalog.intent('x')?.origin, catalog.isPurged('x')]).toEqual(['node', false]);
});

test('E-41 every change is told with who made it, kept for the broker in the commit that makes it', async () => {
  const { catalog, store, feed } = await aCatalog();
  await put(catalog, 'a');
  await Promise.all([retire(catalog, 'a'), catalog.change('a', (before) => ({ next: before && { ...before, pinOverride: true, drainUntilMs: 9_000 }, answer: null }), { actor: 'localhost', correlationId: 'c2' })]);
  // What a verification found is nothing that is meant.
  await catalog.change('a', (before) => ({ next: before && { ...before, lastVerifiedMs: 5 }, answer: null }), BY);
  await catalog.change('a', (before, nowMs) => ({ next: before && { ...before, removedAtMs: nowMs }, answer: null }), BY);
  const told = feed.after(0).map(({ event }) => event);
  const about = { model_id: 'a', digest: told.map(({ data }) => ('digest' in data ? data.digest : null))[0], origin: 'api' };
  expect(told.map(({ type, source, correlationid, data }) => [type, source, correlationid, data])).toEqual([
    ['catalog.intent_registered', 'orchestratord', 'c1', { ...about, from: null, to: { state: 'Active', pinned: false }, changed: [], drain_until_ms: null, catalog_version: 1, actor: 'key:k1' }],
    ['catalog.intent_changed', 'orchestratord', 'c1', { ...about, from: { state: 'Active', pinned: false }, to: { state: 'Retired', pinned: false }, changed: ['state'], drain_until_ms: null, catalog_version: 2, actor: 'key:k1' }],
    ['catalog.intent_changed', 'orchestratord', 'c2', { ...about, from: { state: 'Retired', pinned: false }, to: { state: 'Retired', pinned: true }, changed: ['deadline', 'pinned'], drain_until_ms: 9_000, catalog_version: 3, actor: 'localhost' }],
    ['catalog.intent_deleted', 'orchestratord', 'c1', { ...about, from: { state: 'Retired', pinned: true }, to: null, changed: [], drain_until_ms: null, catalog_version: 5, actor: 'key:k1' }],
  ]);
  expect((await waitingOwnEvents(store.db, 100)).map(({ event }) => event)).toEqual(told);
  expect(told.map((event) => decodeEvent(event).kind)).toEqual(told.map(() => 'event'));
});

test('E-41 a change whose event cannot be kept is not made', async () => {
  const { catalog, store, feed } = await aCatalog();
  await put(catalog, 'a');
  await store.db.schema.alterTable('own_events').renameTo('elsewhere').execute();
  await expect(retire(catalog, 'a')).rejects.toThrow('no such table');
  await store.db.schema.alterTable('elsewhere').renameTo('own_events').execute();
  expect([catalog.record('a')?.state, (await readCatalog(store.db)).intents.map(({ state }) => state), feed.after(0).length]).toEqual(['Active', ['Active'], 1]);
});

test('E-41 what the manifest defines is told under its name, with the reload that brought it', async () => {
  const { catalog, served, feed } = await aCatalog();
  served.now = aManifest(['m']);
  await catalog.follow(served.now, 'reload-1');
  await catalog.follow(served.now, 'reload-2');
  expect(feed.after(0).map(({ event }) => [event.type, event.correlationid, event.data])).toEqual([['catalog.intent_registered', 'reload-1', expect.objectContaining({ model_id: 'm', origin: 'manifest', actor: 'manifest' })]]);
});
