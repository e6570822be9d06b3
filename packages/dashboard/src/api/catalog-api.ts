import type { CatalogModel, CatalogModelList, GcPlans, ModelPull, ModelRegister, ModelState, ModelStateChange, Operation } from '@corral/contracts';
import type { ApiClient, ApiResult } from './api-client.js';

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

/** The calls for models. [U-20] */
export class CatalogApi {
  constructor(private readonly client: ApiClient) {}

  models({ text, state, cursor }: ModelQuery): Promise<ApiResult<CatalogModelList>> {
    const query = new URLSearchParams({ limit: String(MODELS_PAGE), ...(text === '' ? {} : { q: text }), ...(state === null ? {} : { state }), ...(cursor === null ? {} : { cursor }) });
    return this.client.get(`${PATH}?${query.toString()}`);
  }

  model(modelId: string): Promise<ApiResult<CatalogModel>> {
    return this.client.get(pathOf(modelId));
  }

  register(body: ModelRegister): Promise<ApiResult<CatalogModel | null>> {
    return this.client.post(PATH, body);
  }

  pin(modelId: string): Promise<ApiResult<unknown>> {
    return this.client.send('PUT', `${pathOf(modelId)}/pin`);
  }

  unpin(modelId: string): Promise<ApiResult<unknown>> {
    return this.client.send('DELETE', `${pathOf(modelId)}/pin`);
  }

  verify(modelId: string): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(modelId)}/verify`);
  }

  pull(modelId: string, body: ModelPull): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(modelId)}/pull`, body);
  }

  changeState(modelId: string, body: ModelStateChange): Promise<ApiResult<unknown>> {
    return this.client.send('PATCH', `${pathOf(modelId)}/state`, { body });
  }

  /** Removes the entry and its files. */
  purge(modelId: string): Promise<ApiResult<unknown>> {
    return this.client.send('DELETE', `${pathOf(modelId)}?purge=true`, { timeoutMs: PURGE_TIMEOUT_MS });
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
