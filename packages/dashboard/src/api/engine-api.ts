import type { EnginePatch, NodeEngineList } from '@corral/contracts';
import type { ApiClient, ApiResult } from './api-client.js';

/** An engine bundle is one node's own. */
export interface EngineName {
  readonly node_id: string;
  readonly engine_id: string;
}

/** The calls for engine bundles. [U-29] */
export class EngineApi {
  constructor(private readonly client: ApiClient) {}

  async list(): Promise<ApiResult<NodeEngineList['data']>> {
    const result = await this.client.get<NodeEngineList>('/v2/engines');
    return result.ok ? { ok: true, value: result.value.data } : result;
  }

  use(name: EngineName): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(name)}/use`);
  }

  verify(name: EngineName): Promise<ApiResult<unknown>> {
    return this.client.post(`${pathOf(name)}/verify`);
  }

  change(name: EngineName, body: EnginePatch): Promise<ApiResult<unknown>> {
    return this.client.send('PATCH', pathOf(name), { body });
  }

  remove(name: EngineName): Promise<ApiResult<unknown>> {
    return this.client.send('DELETE', pathOf(name));
  }
}

function pathOf({ node_id: node, engine_id: engine }: EngineName): string {
  return `/v2/nodes/${encodeURIComponent(node)}/engines/${encodeURIComponent(engine)}`;
}
