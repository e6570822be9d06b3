import { ApiError } from '@corral/contracts';

/** What a request names, and what that runs. */
export interface NamedModel {
  readonly orgId: string;
  /** As `GET /v1/models` shows it. */
  readonly id: string;
  readonly modelId: string;
}

/** Whether a key with this list may use what is named: the name itself is in it, or the model behind it. [B-138] */
export function mayUse(allowed: readonly string[] | null, { orgId, id, modelId }: NamedModel): boolean {
  if (allowed === null) return true;
  const plain = id.startsWith(`${orgId}/`) ? id.slice(orgId.length + 1) : id;
  return [id, plain, `${orgId}/${plain}`, modelId].some((name) => allowed.includes(name));
}

/** Throws MODEL_NOT_ALLOWED. */
export function requireModel(allowed: readonly string[] | null, named: NamedModel, field: string): void {
  if (mayUse(allowed, named)) return;
  throw new ApiError('MODEL_NOT_ALLOWED', `this key may not use ${named.id.slice(0, 256)}; GET /v1/models lists what it may`, { field });
}
