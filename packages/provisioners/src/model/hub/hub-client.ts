import { formatModelRef } from '@corral/catalog-core';
import { messageOf, retrying } from '@corral/service-kit';
import { ProvisionError } from '../provision-error.js';
import { Interruption } from '../web/interruption.js';
import { retryAfterMs } from '../web/retry-after.js';
import { steadyBody } from '../web/steady-body.js';
import { discard } from '../web/web-client.js';
import type { WebAnswer } from '../web/web-client.js';
import type { WebPorts } from '../web/web-file.js';
import { notThere } from './choose-file.js';
import { describesFile, hubRefusal, readHubFile } from './hub-answer.js';
import type { HubFile } from './hub-answer.js';
import { fileUrl, treeUrl } from './hub-place.js';
import type { HubPlace, HubRef } from './hub-place.js';

const MAX_PAGES = 20;
const MAX_PAGE_BYTES = 8 * 1_048_576;

/** Asks a hub about repositories. Interruptions are tried again, within bounds. Throws `ProvisionError`, or the signal's reason. [D-55] */
export class HubClient {
  constructor(
    private readonly place: HubPlace,
    private readonly ports: WebPorts,
    private readonly signal: AbortSignal,
  ) {}

  /** What the hub says of one file; NOT_FOUND names what is like it. */
  async file(ref: HubRef, path: string): Promise<HubFile> {
    const answer = await this.#ask('HEAD', fileUrl(this.place, ref, path, ref.revision), async (found) => {
      discard(found);
      return { status: found.status, header: found.header };
    });
    if (answer.status === 404 && answer.header('x-error-code') === 'EntryNotFound')
      throw new ProvisionError('NOT_FOUND', notThere(sourceOf(ref), path, await this.paths(ref)));
    if (!(answer.status >= 300 && answer.status < 400 && describesFile(answer.header))) this.#assertGranted(answer, ref);
    return readHubFile(answer.header);
  }

  /** The paths of all files. */
  async paths(ref: HubRef): Promise<readonly string[]> {
    const paths: string[] = [];
    let url: URL | null = treeUrl(this.place, ref);
    for (let page = 0; url !== null && page < MAX_PAGES; page += 1) {
      const asked: URL = url;
      const { names, next } = await this.#ask('GET', asked, async (answer) => {
        this.#assertGranted(answer, ref);
        return { names: readNames(await this.#text(answer), sourceOf(ref)), next: nextPage(answer, this.place.base) };
      });
      paths.push(...names);
      url = next;
    }
    return paths;
  }

  #assertGranted(answer: Pick<WebAnswer, 'status' | 'header'>, ref: HubRef): void {
    const asker = { source: sourceOf(ref), revision: ref.revision, hasToken: this.place.authorization !== null };
    const refusal = hubRefusal(answer.status, answer.header, asker);
    if (refusal !== null) throw new ProvisionError(refusal.code, refusal.message);
  }

  async #ask<T>(method: 'GET' | 'HEAD', url: URL, read: (answer: WebAnswer) => Promise<T>): Promise<T> {
    const { client, clock, random, limits } = this.ports;
    const { signal } = this;
    const policy = { attempts: limits.attempts, initialMs: limits.retryInitialMs, maxMs: limits.retryMaxMs };
    try {
      return await retrying(
        async () => {
          const answer = await client.send({
            url,
            method,
            authorization: this.place.authorization,
            signal,
            isAnswer: (_, header) => describesFile(header),
          });
          if (answer.status === 429 || answer.status >= 500) {
            discard(answer);
            await this.#waitAsked(answer);
            throw new Interruption(
              new ProvisionError('UNREACHABLE', `${answer.url.host} answered with status ${answer.status}; try again later`),
            );
          }
          return read(answer);
        },
        policy,
        { clock, random, signal, isRetriable: (error) => error instanceof Interruption },
      );
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Interruption ? error.failure : error;
    }
  }

  async #waitAsked({ header, url, status }: WebAnswer): Promise<void> {
    const { clock, limits } = this.ports;
    const afterMs = retryAfterMs(header('retry-after'), clock.nowMs()) ?? 0;
    if (afterMs > limits.retryAfterMaxMs)
      throw new ProvisionError('UNREACHABLE', `${url.host} answered with status ${status} and asks to wait ${Math.ceil(afterMs / 1_000)} s; try again then`);
    await clock.sleep(afterMs, this.signal);
  }

  async #text(answer: WebAnswer): Promise<string> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of steadyBody(answer, this.ports.limits, this.ports.clock)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > MAX_PAGE_BYTES)
        throw new ProvisionError('FETCH_FAILED', `${answer.url.host} lists more files than can be read; add the path of one to the source`);
    }
    return Buffer.concat(pieces).toString('utf8');
  }
}

function sourceOf(ref: HubRef): string {
  return formatModelRef({ ...ref, path: null });
}

function readNames(text: string, source: string): readonly string[] {
  try {
    const entries = JSON.parse(text) as readonly { readonly type?: unknown; readonly path?: unknown }[];
    return entries.flatMap(({ type, path }) => (type === 'file' && typeof path === 'string' ? [path] : []));
  } catch (error) {
    throw new ProvisionError('FETCH_FAILED', `the list of files of ${source} cannot be read: ${messageOf(error)}; check HF_ENDPOINT`, { cause: error });
  }
}

/** The address of the next page, which must be of the same hub. */
function nextPage({ header, url }: WebAnswer, base: URL): URL | null {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(header('link') ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, url.href)) return null;
  const next = new URL(target, url);
  return next.origin === base.origin ? next : null;
}
