// Reads one prompt after many others and prints, for each, what was reused, what was said and a digest of the state that is left.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama } from 'node-llama-cpp';
import { BatchGate } from '../dist/llamacpp/batch-gate.js';
import { LlamaTextModel } from '../dist/llamacpp/llama-text-model.js';
import { PrefixFolder } from '../dist/llamacpp/prefix-folder.js';

const CHUNK = 64;
const dir = mkdtempSync(join(tmpdir(), 'corral-bits-'));
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 1 });
const model = await llama.loadModel({ modelPath: process.argv[2], gpuLayers: 'max' });
const clock = { monotonicMs: () => performance.now() };
const sampling = { temperature: 0.8, top_p: 1, top_k: 0, min_p: 0, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, seed: 7, stop: [] };
const numbers = (count, salt) => Array.from({ length: count }, (_, n) => 10 + ((n * 37 + salt * 101 + ((n * n) % 89)) % 240));

/** Two slots of a new context; `keeps` names the folder of its prefixes. */
async function replica(keeps = null) {
  const sequences = [];
  const gate = new BatchGate(2, CHUNK, clock);
  const make = async () => {
    const context = await model.createContext({ sequences: 2, contextSize: 2_048, batchSize: 256, threads: 1, batching: { itemPrioritizationStrategy: gate.strategy }, failedCreationRemedy: false });
    const getSequence = context.getSequence.bind(context);
    sequences.length = 0;
    context.getSequence = (options) => (sequences.push(getSequence(options)), sequences.at(-1));
    return { context, info: { slots: 2, contextTokens: 2_048, memory: { contextBytes: context.memoryUsage.ram } } };
  };
  const identity = { digest: 'd', engine: 'e', device: 'cpu', contextTokens: 2_048, slots: 2, batchTokens: 256, chunkTokens: CHUNK, threads: 1, cacheTypes: 'f16', flashAttention: 'auto' };
  const folderFor = () => keeps && new PrefixFolder(join(dir, keeps), identity);
  const text = new LlamaTextModel({ model, made: await make(), makeAgain: make, gate, fingerprint: 'f', prefillChunkTokens: CHUNK, mappedBytes: 0, folderFor });
  const run = async (slot, tokens, { count = 20, isStopped = () => false, said = [], scope = 'a' } = {}) => {
    const one = text.open(slot, { tokens, scope }, sampling);
    await one.prefill(isStopped);
    while (said.length < count && !isStopped()) said.push(await one.next());
    await one.close();
    return { cached: one.cachedTokens, said: said.join('|') };
  };
  const digest = async (slot) => {
    await sequences[slot].saveStateToFile(join(dir, 'state'));
    return createHash('sha256').update(readFileSync(join(dir, 'state'))).digest('hex');
  };
  const save = () => text.savePrefixes({ slots: [0, 1], maxBytes: 1e9, isStopped: () => false });
  return { run, digest, save, park: () => text.park(), resume: () => text.resume(), stats: () => text.stats(), end: () => text.park() };
}

const shared = numbers(300, 1);
const [first, second] = [[...shared, ...numbers(150, 2)], [...shared, ...numbers(117, 3)]];
const ways = {
  new: async ({ run }) => run(0, second),
  'after another prompt that begins alike': async ({ run }) => {
    await run(0, first);
    return run(0, second);
  },
  'after the same prompt': async ({ run }) => {
    await run(0, second, { count: 5 });
    return run(0, second);
  },
  'after a prompt that was read while another slot decoded': async ({ run }) => {
    const said = [];
    let done = false;
    const beside = run(1, numbers(70, 9), { count: 1_000, said, isStopped: () => done });
    while (said.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await run(0, first);
    done = true;
    await beside;
    return run(0, second);
  },
  'after a prompt that was given up in the middle': async ({ run, stats }) => {
    const before = stats().prefill_chunks;
    await run(0, first, { isStopped: () => stats().prefill_chunks >= before + 3 });
    return run(0, second);
  },
  'after an answer that was given up': async ({ run }) => {
    const said = [];
    await run(0, first, { said, isStopped: () => said.length >= 3 });
    return run(0, second);
  },
  'after a prompt that begins otherwise': async ({ run }) => {
    await run(0, numbers(400, 5));
    return run(0, second);
  },
  'after the same prompt of another scope': async ({ run }) => {
    await run(0, second, { scope: 'b' });
    return run(0, second);
  },
  'after its beginning was kept by another context': async ({ run, park, resume }, folder) => {
    const other = await replica(folder);
    await other.run(0, first);
    await other.save();
    await other.end();
    await park();
    await resume();
    return run(0, second);
  },
  'after it was parked and its beginning was kept': async ({ run, save, park, resume }) => {
    await run(0, first);
    await save();
    await park();
    await resume();
    return run(0, second);
  },
  'after its kept beginning was written over in the slot': async ({ run, save }) => {
    await run(0, first);
    await save();
    await run(0, numbers(400, 5));
    return run(0, second);
  },
  'after the same prompt of another scope was kept': async ({ run, save, park, resume }) => {
    await run(0, second, { scope: 'b' });
    await save();
    await park();
    await resume();
    return run(0, second);
  },
  'while another slot decodes, after a prompt that begins alike': async ({ run }) => {
    const said = [];
    let done = false;
    await run(0, first);
    const beside = run(1, numbers(70, 9), { count: 1_000, said, isStopped: () => done });
    while (said.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const answer = await run(0, second);
    done = true;
    await beside;
    return answer;
  },
};
const seen = {};
for (const [name, way] of Object.entries(ways)) {
  const folder = createHash('sha256').update(name).digest('hex');
  const one = await replica(folder);
  const { cached, said } = await way(one, folder);
  seen[name] = { cached, said, state: await one.digest(0) };
  await one.end();
}
rmSync(dir, { recursive: true, force: true });
process.stdout.write(JSON.stringify(seen), () => process.exit(0));
