import type { CatalogEntry, ModelFacts } from '../src/index.js';

/** Facts of a small chat model, as an engine would report them. */
export const SMALL_FACTS: ModelFacts = {
  architecture: 'llama',
  name: 'tiny',
  quant: 'Q4_1',
  layers: 30,
  embeddingLength: 576,
  vocabSize: 49152,
  trainContext: 8192,
  hasChatTemplate: true,
  memory: {
    cpu: { weightsBytes: { deviceBytes: 96_000_000, hostBytes: 0 }, contextMemory: { baseBytes: 50_000_000, perCellBytes: 23_040 } },
    vulkan: {
      weightsBytes: { deviceBytes: 66_000_000, hostBytes: 30_000_000 },
      contextMemory: { baseBytes: 40_000_000, perCellBytes: 23_040.5 },
    },
  },
};

/** An active, verified, external entry; override what a test is about. */
export function anEntry(overrides: Partial<CatalogEntry> = {}): CatalogEntry {
  return {
    id: 'tiny',
    refs: ['file:/srv/tiny.gguf'],
    digest: `sha256:${'a1'.repeat(32)}`,
    localPath: '/srv/tiny.gguf',
    external: true,
    sizeBytes: 4,
    modifiedMs: 1_700_000_000_000,
    lifecycle: 'Active',
    verification: { result: 'pass', reason: 'the digest is the expected one' },
    digestGiven: true,
    lastVerifiedMs: 1_700_000_000_500,
    createdMs: 1_700_000_000_400,
    lastUsedMs: null,
    retiredAtMs: null,
    pinned: false,
    tags: [],
    facts: null,
    factsKey: null,
    ...overrides,
  };
}
