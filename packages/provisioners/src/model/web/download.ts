import { dirname } from 'node:path';
import { backoffMs, formatDuration, fullJitter } from '@corral/service-kit';
import type { FetchContext, ResumableFolder } from '../fetcher.js';
import { ProvisionError } from '../provision-error.js';
import type { FileFacts } from './file-facts.js';
import { Interruption, StartAnew } from './interruption.js';
import { openBody } from './open-body.js';
import type { OpenBody } from './open-body.js';
import { PartialFile } from './partial-file.js';
import { Segments } from './segments.js';
import type { Segment } from './segments.js';
import { steadyBody } from './steady-body.js';
import type { WebFile, WebPorts } from './web-file.js';

/** A complete, synced file. */
export interface Downloaded {
  readonly path: string;
  /** Bytes that this download brought; those of an earlier one are not among them. */
  readonly broughtBytes: number;
}

const MAX_RESTARTS = 3;
/** Requests of one connection: against a server that gives a few bytes at a time for ever. */
const MAX_REQUESTS = 10_000;

/**
 * Brings a file into its folder, going on with what is there. Interruptions are tried again, within bounds; what a
 * later fetch can go on with stays. Throws `ProvisionError`, or the signal's reason at once. [D-50 D-51 D-52 D-53]
 */
export async function download(
  file: WebFile,
  folder: ResumableFolder,
  ports: WebPorts,
  context: Pick<FetchContext, 'signal' | 'onProgress' | 'assertRoom'>,
): Promise<Downloaded> {
  const partial = await PartialFile.open(folder.path, { origin: file.origin, promised: file.promised, checkpointBytes: ports.limits.checkpointBytes });
  try {
    const work = new Download(file, partial, ports, context);
    const sizeBytes = await work.run();
    await partial.finish(sizeBytes);
    folder.keep();
    return { path: partial.path, broughtBytes: work.broughtBytes };
  } catch (error) {
    if (await partial.leave()) folder.keep();
    throw error;
  }
}

class Download {
  broughtBytes = 0;
  #segments: Segments;
  #partsWork = true;
  #endsAt: number | null = null;
  /** Most bytes there were at once: beginning again is no progress. */
  #bestBytes: number;
  #helpers: Promise<ProvisionError | null>[] | null = null;

  constructor(
    private readonly file: WebFile,
    private readonly partial: PartialFile,
    private readonly ports: WebPorts,
    private readonly context: Pick<FetchContext, 'signal' | 'onProgress' | 'assertRoom'>,
  ) {
    this.#segments = new Segments(partial.missing, ports.limits.segmentBytes);
    this.#bestBytes = partial.coveredBytes;
  }

  /** Returns the size of the file when every byte is there. */
  async run(): Promise<number> {
    for (let restarts = 0; ; restarts += 1) {
      try {
        return await this.#round();
      } catch (error) {
        if (!(error instanceof StartAnew)) throw error;
        // What there is belongs to a version that is gone.
        await this.partial.begin(null);
        if (restarts >= MAX_RESTARTS)
          throw new ProvisionError('FETCH_FAILED', `${error.message}, again and again while it was fetched; try again when it stays the same`);
        if (error.kind === 'ranges_ignored') this.#partsWork = false;
        this.#segments = new Segments([], 0);
      }
    }
  }

  get #isComplete(): boolean {
    return this.#endsAt !== null || (this.partial.known !== null && this.partial.missing.length === 0);
  }

  async #round(): Promise<number> {
    const group = new AbortController();
    const signal = AbortSignal.any([this.context.signal, group.signal]);
    const { known } = this.partial;
    if (known !== null && !this.#isComplete) await this.context.assertRoom(dirname(this.partial.path), known.sizeBytes - this.partial.coveredBytes);
    this.#report();
    this.#helpers = null;
    let broken: Error | null = null;
    const guarded = (work: Promise<ProvisionError | null>) =>
      work.catch((error: unknown) => {
        broken ??= error instanceof Error ? error : new Error(String(error));
        group.abort(error);
        return null;
      });
    const launch = (count: number) => {
      this.#helpers = Array.from({ length: count }, () => guarded(this.#connection(signal, null)));
    };
    const ends = [await guarded(this.#connection(signal, launch))];
    ends.push(...(await Promise.all(this.#helpers ?? [])));
    this.context.signal.throwIfAborted();
    if (broken !== null) throw broken as Error;
    if (this.#isComplete) return this.#endsAt ?? this.partial.known?.sizeBytes ?? 0;
    throw ends.find((end) => end !== null) ?? new Error('a download ended without its bytes');
  }

  /** Works until nothing is left for this connection, or it failed too often: then returns why. Only the first one launches others. */
  async #connection(signal: AbortSignal, launch: ((count: number) => void) | null): Promise<ProvisionError | null> {
    const { limits, clock, random } = this.ports;
    let failures = 0;
    for (let tries = 1; ; tries += 1) {
      const bestBytes = this.#bestBytes;
      const before = this.broughtBytes;
      try {
        if (!(await this.#request(signal, launch))) return null;
        failures = 0;
        if (tries >= MAX_REQUESTS)
          return new ProvisionError('FETCH_FAILED', `${this.file.url.host} needed more than ${MAX_REQUESTS} requests; try again later`);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Interruption)) throw error;
        const isProgress = this.#bestBytes > bestBytes && this.broughtBytes > before && !error.isTooSlow;
        failures = isProgress ? 0 : failures + 1;
        const { failure, afterMs } = error;
        if (failures >= limits.attempts || tries >= MAX_REQUESTS) return failure;
        if ((afterMs ?? 0) > limits.retryAfterMaxMs)
          return new ProvisionError(failure.code, `${failure.message} (it asks to wait ${formatDuration(afterMs ?? 0)})`, { cause: failure });
        const waitMs = fullJitter(backoffMs(failures, { initialMs: limits.retryInitialMs, maxMs: limits.retryMaxMs }), random);
        await clock.sleep(Math.max(afterMs ?? 0, waitMs), signal);
      }
    }
  }

  /** One request. Returns `false` when there was nothing to ask for. */
  async #request(signal: AbortSignal, launch: ((count: number) => void) | null): Promise<boolean> {
    if (this.#isComplete) return false;
    const { known } = this.partial;
    if (known === null || !this.#partsWork) {
      await this.#requestWhole(signal, launch);
      return true;
    }
    const segment = this.#segments.take();
    if (segment === null) return false;
    try {
      const body = await openBody(this.file, { ...known, range: { start: segment.at, end: segment.end } }, this.ports, signal);
      this.#offerHelp(launch, true);
      await this.#receive(body, segment, signal);
    } finally {
      this.#segments.release(segment);
    }
    return true;
  }

  async #requestWhole(signal: AbortSignal, launch: ((count: number) => void) | null): Promise<void> {
    const body = await openBody(this.file, null, this.ports, signal);
    const facts = body.facts as FileFacts;
    const { sizeBytes, validator } = facts;
    if (sizeBytes !== null) await this.#reserve(sizeBytes, body);
    await this.partial.begin(sizeBytes === null || validator === null ? null : { sizeBytes, validator });
    this.#segments = new Segments([{ start: 0, end: sizeBytes ?? Number.MAX_SAFE_INTEGER }], this.ports.limits.segmentBytes);
    const segment = this.#segments.take() as Segment;
    try {
      this.#offerHelp(launch, facts.acceptsRanges);
      await this.#receive(body, segment, signal);
      if (sizeBytes === null) segment.end = segment.at;
      if (sizeBytes === null || this.partial.known === null) this.#endsAt = segment.end;
    } finally {
      this.#segments.release(segment);
    }
  }

  async #reserve(sizeBytes: number, { answer }: OpenBody): Promise<void> {
    try {
      await this.context.assertRoom(dirname(this.partial.path), sizeBytes);
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  /** Further connections, where the server can say of each part that it is of the same file. */
  #offerHelp(launch: ((count: number) => void) | null, acceptsRanges: boolean): void {
    const { known, missing } = this.partial;
    if (launch === null || this.#helpers !== null || !this.#partsWork || !acceptsRanges || known?.validator.kind !== 'etag') return;
    const { connections, segmentBytes } = this.ports.limits;
    const missingBytes = missing.reduce((sum, { start, end }) => sum + end - start, 0);
    launch(Math.max(0, Math.min(connections, Math.floor(missingBytes / segmentBytes)) - 1));
  }

  async #receive({ answer, end }: OpenBody, segment: Segment, signal: AbortSignal): Promise<void> {
    const { bandwidth, clock, limits } = this.ports;
    for await (const piece of steadyBody(answer, limits, clock)) {
      await bandwidth.pass(piece.length, signal);
      const { at } = segment;
      const bytes = piece.subarray(0, Math.min(segment.end, end ?? segment.end) - at);
      segment.at += bytes.length;
      await this.partial.write(at, bytes);
      this.broughtBytes += bytes.length;
      this.#bestBytes = Math.max(this.#bestBytes, this.partial.coveredBytes);
      this.#report();
      signal.throwIfAborted();
      // Another connection has taken over the rest.
      if (segment.at >= Math.min(segment.end, end ?? segment.end)) return;
    }
    if (end !== null && segment.at < Math.min(segment.end, end))
      throw new Interruption(new ProvisionError('UNREACHABLE', `${answer.url.host} ended the file early; try again later`));
  }

  #report(): void {
    const bytes = this.partial.coveredBytes;
    this.context.onProgress({ phase: 'downloading', bytes, totalBytes: this.partial.known?.sizeBytes ?? null });
  }
}
