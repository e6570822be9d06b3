import { describeProblems, HeartbeatResponse, isApiError, RegisterResponse, validator } from '@corral/contracts';
import type { NodeState, RegisterRequest } from '@corral/contracts';
import type { HttpClient, RequestOptions } from '@corral/service-kit';

/** What a node says to its control plane. Every call rejects with what went wrong. */
export interface ControlPlane {
  register(request: RegisterRequest, options: RequestOptions): Promise<RegisterResponse>;
  /** Resolves with `unknown_node` when the control plane wants a registration first. [P-13] */
  heartbeat(state: NodeState, options: RequestOptions): Promise<HeartbeatResponse | 'unknown_node'>;
  deregister(nodeId: string, options: RequestOptions): Promise<void>;
}

const registered = validator(RegisterResponse);
const received = validator(HeartbeatResponse);

/** The control plane over HTTP. [P-12 P-13 P-15] */
export function httpControlPlane(client: HttpClient): ControlPlane {
  return {
    register: async (request, options) => {
      const answer = registered(await client.json('POST', '/v2/nodes/register', request, options));
      if (!answer.ok) throw new Error(`the answer of ${client.peer} to a registration is wrong: ${describeProblems(answer.problems)}; run the same version on both sides`);
      return answer.value;
    },
    heartbeat: async (state, options) => {
      try {
        const answer = received(await client.json('POST', `/v2/nodes/${encodeURIComponent(state.node_id)}/heartbeat`, { state }, options));
        if (!answer.ok) throw new Error(`the answer of ${client.peer} to a heartbeat is wrong: ${describeProblems(answer.problems)}; run the same version on both sides`);
        return answer.value;
      } catch (error) {
        if (isApiError(error) && error.code === 'NOT_FOUND') return 'unknown_node';
        throw error;
      }
    },
    deregister: async (nodeId, options) => {
      await client.exchange('DELETE', `/v2/nodes/${encodeURIComponent(nodeId)}`, undefined, options);
    },
  };
}
