import type { AdminHealth, CallerInfo, Instance, InstanceEvent, InstanceEventList, InstanceList, ManifestStatus, NodeSummary, Operation, PoolStats, PoolStatus, Tier } from '@corral/contracts';
import type { ApiClient, ApiResult } from './api-client.js';
import { CatalogApi } from './catalog-api.js';
import { EngineApi } from './engine-api.js';

export interface InstanceName {
  readonly org_id: string;
  readonly instance_id: string;
}

interface Listed<T> {
  readonly data: readonly T[];
}

/** Pages of a list that are read at most: nobody looks through more lines than these hold. */
const PAGES_MAX = 2;
const PAGE_LIMIT = 1_000;
/** What a person reads of a history. */
const EVENTS_LIMIT = 50;
/** Each of them names every entry of the manifest, and is asked for again and again. */
const RELOADS_LIMIT = 10;

/** The calls of orchestratord that the pages make. */
export class CorralApi {
  readonly catalog: CatalogApi;
  readonly engines: EngineApi;

  constructor(private readonly client: ApiClient) {
    this.catalog = new CatalogApi(client);
    this.engines = new EngineApi(client);
  }

  caller(): Promise<ApiResult<CallerInfo>> {
    return this.client.get('/v2/meta/caller');
  }

  stats(): Promise<ApiResult<PoolStats>> {
    return this.client.get('/api/admin/pool/stats');
  }

  health(): Promise<ApiResult<AdminHealth>> {
    return this.client.get('/api/admin/health');
  }

  async pools(): Promise<ApiResult<readonly PoolStatus[]>> {
    return dataOf(await this.client.get<Listed<PoolStatus>>('/v2/pools'));
  }

  async nodes(): Promise<ApiResult<readonly NodeSummary[]>> {
    return dataOf(await this.client.get<Listed<NodeSummary>>('/v2/nodes'));
  }

  manifest(): Promise<ApiResult<ManifestStatus>> {
    return this.client.get(`/v2/manifest?reloads=${RELOADS_LIMIT}`);
  }

  /** The newest ones, and what runs. */
  async operations(): Promise<ApiResult<readonly Operation[]>> {
    return dataOf(await this.client.get<Listed<Operation>>('/v2/operations'));
  }

  metrics(): Promise<ApiResult<string>> {
    return this.client.text('/metrics');
  }

  /** Instances of one organisation, of the first pages of the list. */
  async instances(orgId: string): Promise<ApiResult<readonly Instance[]>> {
    const read: Instance[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const result: ApiResult<InstanceList> = await this.client.get<InstanceList>(`/api/orgs/${encodeURIComponent(orgId)}/instances?limit=${PAGE_LIMIT}${after}`);
      if (!result.ok) return result;
      read.push(...result.value.data);
      cursor = result.value.next_cursor;
      if (cursor === null) break;
    }
    return { ok: true, value: read };
  }

  /** The newest things that happened to it. */
  async events(name: InstanceName): Promise<ApiResult<readonly InstanceEvent[]>> {
    return dataOf(await this.client.get<InstanceEventList>(`${pathOf(name)}/events?limit=${EVENTS_LIMIT}`));
  }

  /** As its own tier, unless another is named. */
  load(name: InstanceName, tier?: Tier): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(name)}/load`, ...(tier === undefined ? [] : [{ tier }]));
  }

  unload(name: InstanceName): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(name)}/unload`);
  }

  /** Without a deadline what runs may finish. */
  drainPool(poolId: string, deadlineMs: number | null): Promise<ApiResult<unknown>> {
    return this.client.post(`/v2/pools/${encodeURIComponent(poolId)}/drain`, deadlineMs === null ? {} : { deadline_ms: deadlineMs });
  }

  undrainPool(poolId: string): Promise<ApiResult<unknown>> {
    return this.client.send('DELETE', `/v2/pools/${encodeURIComponent(poolId)}/drain`);
  }

  resetPool(poolId: string): Promise<ApiResult<unknown>> {
    return this.client.post(`/v2/pools/${encodeURIComponent(poolId)}/reset`);
  }
}

function pathOf({ org_id: org, instance_id: instance }: InstanceName): string {
  return `/api/orgs/${encodeURIComponent(org)}/instances/${encodeURIComponent(instance)}`;
}

function dataOf<T>(result: ApiResult<Listed<T>>): ApiResult<readonly T[]> {
  return result.ok ? { ok: true, value: result.value.data } : result;
}
