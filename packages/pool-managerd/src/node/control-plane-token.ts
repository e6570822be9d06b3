import { join } from 'node:path';
import { OPERATOR_TOKEN_FILE } from '@corral/contracts';
import { isLoopbackHost, sharedSecret } from '@corral/service-kit';
import type { PoolManagerdConfig } from '../config.js';

/**
 * What the node shows the control plane: the first configured token, else the one that the daemons of this state
 * directory share. That one is sent to this machine alone; `undefined` for any other. [B-135]
 */
export async function controlPlaneToken({ tokens, state_dir: stateDir, orchestrator_url: url }: Pick<PoolManagerdConfig, 'tokens' | 'state_dir' | 'orchestrator_url'>): Promise<string | undefined> {
  if (tokens[0] !== undefined) return tokens[0];
  return isLoopbackHost(new URL(url).hostname) ? sharedSecret(join(stateDir, OPERATOR_TOKEN_FILE)) : undefined;
}
