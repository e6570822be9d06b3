import type { Tier } from '@corral/contracts';

/** The tier that holds an instance though nobody asked for a load: hot ones belong on a device and warm ones in RAM. [C-60 C-67] */
export function owedTier(tier: Tier): 'hot' | 'warm' | null {
  return tier === 'hot' || tier === 'warm' ? tier : null;
}
