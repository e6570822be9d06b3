import { toEnvelope, isApiError, ApiError, describeProblems, type Validator } from '@corral/contracts';
import { isConnectionError, type HttpClient } from '@corral/service-kit';
import type { NodeDirectory } from '../nodes/node-view.js';

/** In the place of an answer: why there is none. */
export interface NoAnswer {
  readonly error: { readonly code: string; readonly message: string };
}

/**
 * Asks every node that is known, at once. A node that is away, refuses, or answers what cannot be read has its error in the
 * place of its answer; the others are answered all the same. Never rejects. [D-33]
 */
export async function askEveryNode<T>(nodes: Pick<NodeDirectory, 'places' | 'clientFor'>, ask: (client: HttpClient) => Promise<unknown>, check: Validator<T>): Promise<Record<string, T | NoAnswer>> {
  const answers = nodes.places().map(async ({ nodeId, online }): Promise<[string, T | NoAnswer]> => {
    try {
      const client = online ? nodes.clientFor(nodeId) : undefined;
      if (client === undefined) throw new ApiError('NODE_UNAVAILABLE', `node ${nodeId} does not report; look at its log, and ask again when it is back`);
      const checked = check(await ask(client));
      if (!checked.ok) throw new ApiError('INTERNAL', `node ${nodeId} answered what this version cannot read (${describeProblems(checked.problems)}); run the same version on both`);
      return [nodeId, checked.value];
    } catch (error) {
      return [nodeId, { error: told(nodeId, error) }];
    }
  });
  return Object.fromEntries(await Promise.all(answers));
}

function told(nodeId: string, error: unknown): NoAnswer['error'] {
  if (isConnectionError(error)) return { code: 'NODE_UNAVAILABLE', message: `node ${nodeId} cannot be reached (${error.message}); ask again when it reports` };
  if (!isApiError(error)) return { code: 'INTERNAL', message: `node ${nodeId} could not be asked; look at the log of orchestratord` };
  const { code, message } = toEnvelope(error);
  return { code, message };
}
