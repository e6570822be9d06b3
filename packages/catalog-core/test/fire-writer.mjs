// Registers, pins, retires and deletes models in batches, says what it is about to do and what is done, and lets others write in between.
import { createHash } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCatalog } from '../dist/fs/index.js';

const [dir, name, seed] = process.argv.slice(2);
const BATCH = 40;
const BATCHES_OF_TURN = 4;
let state = Number(seed);
/** Deterministic, so that a failure can be seen again. */
const random = (below) => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return state % below;
};
const say = (message) => new Promise((resolve, reject) => process.send(message, (error) => (error ? reject(error) : resolve())));
let made = 0;

for (;;) {
  const store = await take();
  for (let n = 0; n < BATCHES_OF_TURN; n += 1) await batch(store);
  await store.close();
  await sleep(random(30));
}

async function take() {
  for (;;) {
    try {
      return (await openCatalog(dir)).store;
    } catch (error) {
      if (error.code !== 'LOCKED') {
        await say({ broken: `${error.code}: ${error.message}` });
        throw error;
      }
      await sleep(20 + random(200));
    }
  }
}

async function batch(store) {
  const known = store.list().map(({ id }) => id);
  const ops = Array.from({ length: BATCH }, () => {
    const pick = random(10);
    if (pick < 5 || known.length === 0) return { op: 'register', id: `${name}-${made++}` };
    const [id] = known.splice(random(known.length), 1);
    return { op: pick < 7 ? 'pin' : pick < 8 ? 'retire' : 'delete', id };
  });
  const at = String(process.hrtime.bigint());
  await say({ at, ops });
  await Promise.all(ops.map((one) => run(store, one)));
  await say({ done: at });
}

async function run(store, { op, id }) {
  if (op === 'register') return register(store, id);
  if (op === 'pin') return store.update(id, (entry) => ({ ...entry, pinned: true }));
  if (op === 'retire') return store.setState(id, 'Retired', 1);
  return store.delete(id);
}

/** As a download does it: a partial file, then the file under its digest, then the entry. */
async function register(store, id) {
  const digest = `sha256:${createHash('sha256').update(id).digest('hex')}`;
  const folder = await store.createPartialFolder();
  const partial = join(folder, 'file');
  const file = await open(partial, 'w');
  await file.writeFile(id);
  await file.sync();
  await file.close();
  const localPath = await store.publish(partial, digest);
  await rm(folder, { recursive: true });
  const { mtimeMs, size } = await stat(localPath);
  const times = { modifiedMs: Math.trunc(mtimeMs), lastVerifiedMs: 1, createdMs: 1, lastUsedMs: null, retiredAtMs: null };
  const rest = { external: false, lifecycle: 'Active', verification: { result: 'pass', reason: 'as given' }, digestGiven: true, pinned: false, tags: [], facts: null, factsKey: null };
  return store.put({ id, refs: [`https://host/${id}`], digest, localPath, sizeBytes: size, ...times, ...rest });
}
