import { basename } from 'node:path';
import { stat } from 'node:fs/promises';
import { ApiError } from '@corral/contracts';
import type { EngineAdd } from '@corral/contracts';
import { parseDigest } from '@corral/catalog-core';
import type { Digest, EngineEntry, ExternalServer, Verification } from '@corral/catalog-core';
import { hashFile } from '@corral/catalog-core/fs';
import type { EngineStore } from '@corral/catalog-core/fs';
import { isEngineError, probeExternalEngine } from '@corral/engine';
import type { ExternalProbe, ServerFacts } from '@corral/engine';
import type { Clock, OperationStep } from '@corral/service-kit';
import { attachedPoolId } from './attached-pool.js';
import type { ExternalEntry } from './attached-pool.js';
import { serverUrl } from './server-url.js';

export interface ExternalProvisionOptions {
  readonly nodeId: string;
  readonly store: EngineStore;
  readonly clock: Clock;
}

interface Doing {
  readonly step: OperationStep;
  readonly signal: AbortSignal;
}

const LONGEST_POOL_ID = 128;

/** Makes and checks the entries of servers that run by themselves. [D-25 D-80] */
export class ExternalProvision {
  constructor(private readonly options: ExternalProvisionOptions) {}

  /** What of a request is wrong whatever the server says. Returns its URL. */
  check({ url, path, jobs, use }: EngineAdd): string {
    if (path !== undefined || jobs !== undefined) throw new ApiError('INVALID_PARAMS', 'mode external has a url and neither path nor jobs; leave them out', { field: path === undefined ? 'jobs' : 'path' });
    if (use === false) throw new ApiError('INVALID_PARAMS', 'an external server is a pool of its own, which serves as soon as it is there; leave use out', { field: 'use' });
    if (url === undefined) throw new ApiError('INVALID_PARAMS', 'mode external needs the url of a running llama-server, such as http://127.0.0.1:8080', { field: 'url' });
    const checked = serverUrl(url);
    const taken = this.options.store.list().find(({ mode, location }) => mode === 'external' && location === checked);
    if (taken !== undefined) throw new ApiError('CONFLICT', `engine ${taken.id} is that server already; remove it first with "corral engines rm ${taken.id}"`);
    return checked;
  }

  /** Probes a server and writes its entry. */
  async add(url: string, { engine_id, model_id, digest, device_kind }: EngineAdd, doing: Doing): Promise<ExternalEntry> {
    const { store, clock, nodeId } = this.options;
    const { facts, capabilities } = await probed(url, doing);
    const modelId = model_id ?? modelIdOf(facts);
    const id = engine_id ?? this.#freeId();
    if (attachedPoolId(nodeId, id).length > LONGEST_POOL_ID) throw new ApiError('INVALID_PARAMS', `the pool of engine ${id} would have a name of more than ${LONGEST_POOL_ID} characters; choose a shorter id`, { field: 'engine_id' });
    if (store.get(id) !== null) throw new ApiError('CONFLICT', `there is an engine ${id} already; choose another id`);
    const known = await this.#digestOf(facts, digest, doing);
    const nowMs = clock.nowMs();
    const entry: ExternalEntry = {
      id,
      engine: 'llama-server',
      version: facts.version,
      buildRef: null,
      digest: null,
      buildFlags: [],
      artifacts: [],
      createdMs: nowMs,
      mode: 'external',
      location: url,
      inPlace: false,
      deviceKinds: [device_kind ?? 'cpu'],
      chosenFor: [],
      gain: null,
      verification: known.verification,
      lastVerifiedMs: nowMs,
      state: 'Active',
      retiredAtMs: null,
      pinned: false,
      lastUsedMs: null,
      external: serverOf(facts, { modelId, digest: known.digest, capabilities }),
    };
    await store.put(entry);
    return entry;
  }

  /** Probes it again, and keeps what came of it. Never rejects for what the server does. [D-80] */
  async verify({ id, location, external }: ExternalEntry, doing: Doing): Promise<EngineEntry> {
    const { store, clock } = this.options;
    const found = await this.#judged(location, external, doing);
    return await store.update(id, (before) => ({ ...before, ...found, lastVerifiedMs: clock.nowMs() }));
  }

  async #judged(url: string, known: ExternalServer, doing: Doing): Promise<Pick<EngineEntry, 'verification'> & Partial<Pick<EngineEntry, 'version' | 'external'>>> {
    try {
      const { facts, capabilities } = await probed(url, doing);
      if (facts.modelPath !== known.modelPath) return failed(`it serves ${facts.modelPath ?? 'a model without a name'} in place of ${known.modelPath ?? 'a model without a name'}; start it with that file, or remove the engine and add it again`);
      const measured = await this.#digestOf(facts, known.digest, doing);
      return { verification: measured.verification, version: facts.version, external: serverOf(facts, { modelId: known.modelId, digest: known.digest, capabilities }) };
    } catch (error) {
      doing.signal.throwIfAborted();
      return failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** The bytes decide what a model is: those of the file where this node can read it, else what somebody vouches for. */
  async #digestOf({ modelPath, weightsBytes }: ServerFacts, given: string | undefined, { step, signal }: Doing): Promise<{ readonly digest: Digest; readonly verification: Verification }> {
    const parsed = given === undefined ? null : parseDigest(given);
    const wanted = parsed?.kind === 'digest' ? parsed.digest : null;
    const file = modelPath === null ? null : await stat(modelPath).catch(() => null);
    // A file of that name may be another one than the server's, on another machine.
    if (modelPath === null || file?.isFile() !== true || file.size < weightsBytes) {
      if (wanted === null) throw new ApiError('INVALID_PARAMS', `this node cannot read ${modelPath ?? 'the file that the server has loaded'}; say which bytes it serves with --digest sha256:… (sha256sum of the file)`, { field: 'digest' });
      return { digest: wanted, verification: { result: 'warn', reason: 'it answered its probe; this node cannot read its file, so that its digest is what was given' } };
    }
    step({ phase: 'hashing', fraction: 0 });
    const digest = await hashFile(modelPath, { signal, onProgress: (bytes) => step({ phase: 'hashing', fraction: Math.min(1, bytes / file.size) }) });
    if (wanted !== null && wanted !== digest) throw new ApiError('INVALID_PARAMS', `${modelPath} has ${digest} and ${wanted} is expected; start the server with that file, or give the right digest`, { field: 'digest' });
    return { digest, verification: { result: 'pass', reason: 'it answered its probe, and the digest is that of its file' } };
  }

  #freeId(): string {
    const { store } = this.options;
    for (let n = 1; ; n += 1) if (store.get(`server-${n}`) === null) return `server-${n}`;
  }
}

async function probed(url: string, { step, signal }: Doing): Promise<ExternalProbe> {
  try {
    return await probeExternalEngine(url, { signal, onStep: (phase) => step({ phase, fraction: null }) });
  } catch (error) {
    throw isEngineError(error) ? new ApiError('ENGINE_UNUSABLE', error.message, {}, { cause: error }) : error;
  }
}

function serverOf({ modelPath, slots, contextTokens }: ServerFacts, known: Pick<ExternalServer, 'modelId' | 'digest' | 'capabilities'>): ExternalServer {
  return { ...known, modelPath, slots, contextTokens };
}

function failed(reason: string): { readonly verification: Verification } {
  return { verification: { result: 'fail', reason } };
}

/** As the server calls its model, else its file. */
function modelIdOf({ modelName, modelPath }: ServerFacts): string {
  const alias = modelName === null || modelName.includes('/') ? null : modelName;
  const name = (alias ?? (modelPath === null ? '' : basename(modelPath))).replace(/\.gguf$/i, '').replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  if (name === '') throw new ApiError('INVALID_PARAMS', 'the server does not say what its model is called; give a name with --model', { field: 'model_id' });
  return name.slice(0, 128);
}
