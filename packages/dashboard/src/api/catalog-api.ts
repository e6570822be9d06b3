import type { CatalogModel, CatalogModelList, GcPlans, ModelPatch, ModelPull, ModelRegister, ModelState, ModelStateChange, Operation } from '@corral/contracts';
import type { ApiClient, ApiResult, Versioned } from './api-client.js';

/** Which models of the catalog, and which page of them. */
export interface ModelQuery {
  /** Part of an id; empty = any. */
  readonly text: string;
  readonly state: ModelState | null;
  /** null = the first page. */
  readonly cursor: string | null;
}

const PATH = '/v2/catalog/models';
/** As many lines as a person looks over. */
export const MODELS_PAGE = 50;
/** Every node looks at its disk before it answers, and some may be slow or away. */
const PLAN_TIMEOUT_MS = 60_000;
const PURGE_TIMEOUT_MS = 60_000;

/** A model as it was shown, with the version that a change of it names. */
export type ShownModel = Versioned<CatalogModel>;

/** The calls for models; those that change one change the version that was shown, and no other. [U-20 U-30] */
export class CatalogApi {
  constructor(private readonly client: ApiClient) {}

  models({ text, state, cursor }: ModelQuery): Promise<ApiResult<CatalogModelList>> {
    const query = new URLSearchParams({ limit: String(MODELS_PAGE), ...(text === '' ? {} : { q: text }), ...(state === null ? {} : { state }), ...(cursor === null ? {} : { cursor }) });
    return this.client.get(`${PATH}?${query.toString()}`);
  }

  model(modelId: string): Promise<ApiResult<ShownModel>> {
    return this.client.versioned(pathOf(modelId));
  }

  register(body: ModelRegister): Promise<ApiResult<CatalogModel | null>> {
    return this.client.post(PATH, body);
  }

  patch({ value: { id }, etag }: ShownModel, body: ModelPatch): Promise<ApiResult<unknown>> {
    return this.client.send('PATCH', pathOf(id), { body, ifMatch: etag });
  }

  pin({ value: { id }, etag }: ShownModel): Promise<ApiResult<unknown>> {
    return this.client.send('PUT', `${pathOf(id)}/pin`, { ifMatch: etag });
  }

  unpin({ value: { id }, etag }: ShownModel): Promise<ApiResult<unknown>> {
    return this.client.send('DELETE', `${pathOf(id)}/pin`, { ifMatch: etag });
  }

  verify(modelId: string): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(modelId)}/verify`);
  }

  pull(modelId: string, body: ModelPull): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(modelId)}/pull`, body);
  }

  changeState({ value: { id }, etag }: ShownModel, body: ModelStateChange): Promise<ApiResult<unknown>> {
    return this.client.send('PATCH', `${pathOf(id)}/state`, { body, ifMatch: etag });
  }

  /** Removes the entry and its files. */
  purge({ value: { id }, etag }: ShownModel): Promise<ApiResult<unknown>> {
    return this.client.send('DELETE', `${pathOf(id)}?purge=true`, { ifMatch: etag, timeoutMs: PURGE_TIMEOUT_MS });
  }

  gcPlan(): Promise<ApiResult<GcPlans | null>> {
    return this.client.send('POST', '/v2/catalog/gc?dry_run=true', { timeoutMs: PLAN_TIMEOUT_MS });
  }

  /** Begins it; the operation's result are the reports of the nodes. */
  gcRun(): Promise<ApiResult<Operation | null>> {
    return this.client.send('POST', '/v2/catalog/gc');
  }
}

function pathOf(modelId: string): string {
  return `${PATH}/${encodeURIComponent(modelId)}`;
}
