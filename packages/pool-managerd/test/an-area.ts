import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from '@jest/globals';
import { digestFromHex } from '@corral/catalog-core';
import type { Digest } from '@corral/catalog-core';
import { recordingLog, systemClock } from '@corral/service-kit';
import { scanStaged } from '../src/staging/scan-staged.js';
import { StagingArea } from '../src/staging/staging-area.js';
import type { StagingAreaOptions } from '../src/staging/staging-area-options.js';
import type { StageableModel, StagingWish } from '../src/staging/staging-wish.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const folders: string[] = [];
afterAll(async () => {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true, force: true });
});

/** An empty folder that goes with the suite: whoever works in it has ended by then, and makes it no more. */
export async function aFolder(root = tmpdir()): Promise<string> {
  const dir = await mkdtemp(join(root, 'area-test-'));
  folders.push(dir);
  return dir;
}

/** A staging area on real files, and what it told. */
export class AreaUnderTest {
  readonly evicted: string[] = [];
  readonly staged: number[] = [];
  readonly doubtful: Digest[] = [];
  /** What may still be written. */
  freeBytes = 1e12;
  area!: StagingArea;

  private constructor(
    readonly dir: string,
    readonly disk: string,
  ) {}

  static async open({ dir, disk, ...over }: { readonly dir?: string; readonly disk?: string } & Partial<StagingAreaOptions> = {}): Promise<AreaUnderTest> {
    const self = new AreaUnderTest(dir ?? (await aFolder()), disk ?? (await aFolder()));
    const { found } = await scanStaged(self.dir);
    self.area = new StagingArea({
      dir: self.dir,
      found,
      budgetBytes: 1_000,
      freeBytes: () => Promise.resolve(self.freeBytes),
      others: null,
      retry: { initialMs: 20, maxMs: 100 },
      settleMs: 0,
      clock: systemClock,
      random: () => 0.5,
      log: recordingLog().log,
      onChange: () => {},
      onStaged: ({ sizeBytes }) => self.staged.push(sizeBytes),
      onEvicted: (reason) => self.evicted.push(reason),
      onDoubtful: (digest) => self.doubtful.push(digest),
      ...over,
    });
    closing.push(() => self.area.close());
    return self;
  }

  /** A file on the disk. */
  async aModel(modelId: string, sizeBytes: number): Promise<StageableModel> {
    const path = join(this.disk, `${modelId}.gguf`);
    const content = Buffer.alloc(sizeBytes, modelId);
    await writeFile(path, content);
    return { modelId, digest: digestFromHex(createHash('sha256').update(content).digest('hex')), path, sizeBytes };
  }

  /** Ids of what is staged, ascending. */
  ids(): readonly string[] {
    return this.area.list().map(({ modelId }) => modelId).toSorted();
  }

  async until<T>(look: () => T, isEnough: (seen: T) => boolean): Promise<T> {
    const endMs = systemClock.monotonicMs() + 60_000;
    for (;;) {
      const seen = look();
      if (isEnough(seen)) return seen;
      if (systemClock.monotonicMs() > endMs) throw new Error(`never seen; last: ${JSON.stringify(seen)}`);
      await systemClock.sleep(5);
    }
  }

  /** Wants these, in this order of asking, and waits until all of them are there. */
  async stage(...models: readonly StageableModel[]): Promise<void> {
    for (const model of models) {
      const outcome = await this.area.request(model);
      if (outcome !== 'staged' && outcome !== 'staging') throw new Error(JSON.stringify(outcome));
      await this.until(() => this.area.has(model.digest), (isThere) => isThere);
      // The next one is asked for later than this one was used.
      await systemClock.sleep(2);
    }
  }
}

export const wishFor = (model: StageableModel, over: Partial<StagingWish> = {}): StagingWish => ({ ...model, seq: 1, isPinned: false, isForNextLoad: false, ...over });
