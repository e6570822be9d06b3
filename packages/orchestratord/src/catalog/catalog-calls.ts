import { ApiError, type ModelPatch, type ModelRegister, type ModelState } from '@corral/contracts';
import { nearest } from '@corral/service-kit';
import type { ServedSource } from '../manifest/served-state.js';
import type { Catalog } from './catalog.js';
import type { CatalogIndex } from './catalog-index.js';
import type { ChangedBy } from './intent-event.js';
import { definedModel, definesAnew, idOf, patchedModel, registrationHash } from './define-model.js';
import { intentOf, type ModelIntent } from './model-intent.js';
import { versionOf, type KnownModel } from './model-view.js';

export interface CatalogCallsParts {
  readonly catalog: Pick<Catalog, 'change' | 'recordWith'>;
  readonly index: Pick<CatalogIndex, 'known' | 'ids'>;
  readonly served: ServedSource;
}

/** Who asks, of which version a change is to be, and whether unsigned artifacts are refused. */
export interface CatalogCall {
  readonly by: ChangedBy;
  readonly ifMatch?: string | undefined;
  readonly isStrict?: boolean;
}

/** Names that are looked through for what a mistyped one may mean. */
const NEAR_MAX = 20_000;

/** What operators ask of the catalog: each call is one change, decided on what is there when its turn comes. [B-90] */
export class CatalogCalls {
  constructor(private readonly parts: CatalogCallsParts) {}

  /** The model. Throws NOT_FOUND with what is near. */
  known(modelId: string): KnownModel {
    const known = this.parts.index.known(modelId);
    if (known === undefined) throw this.#unknown(modelId);
    return known;
  }

  /** Registers a model; the same again changes nothing. Throws CONFLICT where the id means something else already. [B-91] */
  async register(body: ModelRegister, { by, isStrict = false }: CatalogCall): Promise<{ readonly known: KnownModel; readonly isNew: boolean }> {
    const modelId = idOf(body);
    const isNew = await this.parts.catalog.change(modelId, (before, nowMs) => {
      const wanted = definedModel(body, { isStrict, nowMs });
      const standing = this.#standing(modelId, before);
      this.#requireFree(wanted, standing);
      if (standing?.origin === 'manifest' || standing?.origin === 'starter') return { answer: false };
      if (standing?.intent?.origin === 'api') return { answer: false };
      return { next: standing?.intent === undefined ? wanted : { ...wanted, ...saidBefore(standing.intent) }, answer: true };
    }, by);
    return { known: this.known(modelId), isNew };
  }

  /** Changes a definition, or what is said of it. The manifest's definition is changed in the manifest. */
  patch(modelId: string, patch: ModelPatch, call: CatalogCall): Promise<KnownModel> {
    return this.#changed(modelId, call, (intent, known, nowMs) => {
      if (definesAnew(patch) && (known.origin === 'manifest' || known.origin === 'starter')) throw new ApiError('CONFLICT', `${this.#definedBy(known)}; change it there and reload`);
      const next = patchedModel(intent, patch, { isStrict: call.isStrict ?? false, nowMs });
      return registrationHash(next) === registrationHash(intent) ? intent : next;
    });
  }

  /** Retires or activates; a deadline is counted from now. [B-93] */
  setState(modelId: string, change: { readonly state: ModelState; readonly deadlineMs?: number | undefined }, call: CatalogCall): Promise<KnownModel> {
    return this.#changed(modelId, call, (intent, _, nowMs) => {
      const { state, deadlineMs } = change;
      if (state === 'Active') return intent.state === 'Active' ? intent : { ...intent, state, retiredAtMs: null, drainUntilMs: null, updatedMs: nowMs };
      const drainUntilMs = deadlineMs === undefined ? intent.drainUntilMs : nowMs + deadlineMs;
      if (intent.state === 'Retired' && drainUntilMs === intent.drainUntilMs) return intent;
      return { ...intent, state, retiredAtMs: intent.retiredAtMs ?? nowMs, drainUntilMs, updatedMs: nowMs };
    });
  }

  /** Pins or unpins, whatever the definition says. [D-37] */
  setPinned(modelId: string, pinned: boolean, call: CatalogCall): Promise<KnownModel> {
    return this.#changed(modelId, call, (intent, known, nowMs) => (known.spec.pinned === pinned ? intent : { ...intent, pinOverride: pinned, updatedMs: nowMs }));
  }

  /** What a verification found is remembered beside what nodes report. [B-92] */
  async setVerified(modelId: string, verification: NonNullable<ModelIntent['verification']>, atMs: number): Promise<void> {
    await this.#changed(modelId, { by: { actor: 'nodes' } }, (intent) => ({ ...intent, verification, lastVerifiedMs: atMs }));
  }

  /** Marks the model as purged, or takes that back. Returns what it was. */
  async remove(modelId: string, digest: string | null, call: CatalogCall): Promise<ModelIntent> {
    return this.parts.catalog.change(modelId, (before, nowMs) => {
      const standing = this.#require(modelId, before, call);
      const intent = standing.intent ?? intentOf(standing.spec, 'node', nowMs);
      return { next: { ...intent, digest: intent.digest ?? digest, removedAtMs: nowMs, updatedMs: nowMs }, answer: intent };
    }, call.by);
  }

  /** The model is meant again as it was, unless somebody has meant something else since. */
  restore(intent: ModelIntent, { by }: CatalogCall): Promise<void> {
    return this.parts.catalog.change(intent.modelId, (now) => (now?.removedAtMs == null ? { answer: undefined } : { next: intent, answer: undefined }), by);
  }

  async #changed(modelId: string, call: CatalogCall, change: (intent: ModelIntent, known: KnownModel, nowMs: number) => ModelIntent): Promise<KnownModel> {
    await this.parts.catalog.change(modelId, (before, nowMs) => {
      const standing = this.#require(modelId, before, call);
      const intent = standing.intent ?? intentOf(standing.spec, standing.origin, nowMs);
      const next = change(intent, standing, nowMs);
      return next === intent ? { answer: undefined } : { next, answer: undefined };
    }, call.by);
    return this.known(modelId);
  }

  #require(modelId: string, before: ModelIntent | undefined, { ifMatch }: Pick<CatalogCall, 'ifMatch'>): KnownModel {
    const standing = this.#standing(modelId, before);
    if (standing === undefined) throw this.#unknown(modelId);
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== versionOf(standing)) throw new ApiError('PRECONDITION_FAILED', `model ${modelId} is another one than If-Match says; read it again and send its ETag`);
    return standing;
  }

  /** The model as the changes before this one left it. */
  #standing(modelId: string, before: ModelIntent | undefined): KnownModel | undefined {
    const intent = before?.removedAtMs === null ? before : undefined;
    const record = this.parts.catalog.recordWith(modelId, intent);
    if (record !== undefined && record.origin !== 'node') return { ...record, intent };
    const known = this.parts.index.known(modelId);
    if (record !== undefined) return { ...record, spec: { ...(known?.spec ?? record.spec), pinned: record.spec.pinned }, intent };
    // Without an intent there is only what nodes have.
    return known === undefined || known.intent !== undefined || before?.removedAtMs != null ? undefined : known;
  }

  #requireFree(wanted: ModelIntent, standing: KnownModel | undefined): void {
    const { modelId } = wanted;
    if (this.parts.served.current().routes.has(modelId)) throw new ApiError('CONFLICT', `a route of the manifest has the name ${modelId}; choose another id`, { field: 'id' });
    if (standing === undefined) return;
    if (standing.origin === 'manifest' || standing.origin === 'starter') {
      const { sources, digest, context, slots } = standing.spec;
      if (registrationHash({ ...wanted, pinned: false, tags: [], trust: { ...wanted.trust, policy: null } }) !== registrationHash({ ...wanted, sources, digest, context, slots, pinned: false, tags: [], trust: { ...wanted.trust, policy: null } })) throw new ApiError('CONFLICT', `${this.#definedBy(standing)} differently; change it there, or choose another id`, { field: 'id' });
      return;
    }
    if (standing.intent?.origin === 'api') {
      if (registrationHash(wanted) !== registrationHash(standing.intent)) throw new ApiError('CONFLICT', `model ${modelId} is registered already, and differently; change it with PATCH /v2/catalog/models/${encodeURIComponent(modelId)}, or choose another id`, { field: 'id' });
      return;
    }
    const { digest } = standing.spec;
    if (wanted.digest !== null && digest !== null && wanted.digest !== digest) throw new ApiError('CONFLICT', `a node has another file under the id ${modelId} (${digest}); choose another id, or purge that one first`, { field: 'digest' });
  }

  #definedBy({ spec, origin }: KnownModel): string {
    const { path } = this.parts.served.current();
    return origin === 'starter' ? `model ${spec.model_id} is the built-in starter model, defined` : `the manifest ${path ?? ''} defines ${spec.model_id}`;
  }

  #unknown(modelId: string): ApiError {
    const near = nearest(modelId, this.parts.index.ids().slice(0, NEAR_MAX));
    const next = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'GET /v2/catalog/models lists them';
    return new ApiError('NOT_FOUND', `the catalog has no model ${modelId.slice(0, 256)}; ${next}`, { field: 'model_id' });
  }
}

/** State and pin hold over a new definition. */
function saidBefore({ pinOverride, state, retiredAtMs, drainUntilMs, verification, lastVerifiedMs, createdMs }: ModelIntent): Partial<ModelIntent> {
  return { pinOverride, state, retiredAtMs, drainUntilMs, verification, lastVerifiedMs, createdMs };
}
