import type { PlacementOverrides as WireOverrides } from '@corral/contracts';
import type { PlacementOverrides } from '@corral/orchestrator-core';

/** Placement overrides as they are written, in the words of the core. */
export function placementOverridesOf(wire: WireOverrides): PlacementOverrides {
  return {
    ...(wire.mode === undefined ? {} : { mode: wire.mode }),
    ...(wire.pin_pool_id === undefined ? {} : { pinPoolId: wire.pin_pool_id }),
    ...(wire.prefer_pools === undefined ? {} : { preferPools: wire.prefer_pools }),
    ...(wire.avoid_pools === undefined ? {} : { avoidPools: wire.avoid_pools }),
    ...(wire.require_device_mask === undefined ? {} : { requireDeviceMask: wire.require_device_mask }),
    ...(wire.node_id === undefined ? {} : { nodeId: wire.node_id }),
    ...(wire.allow_fallback === undefined ? {} : { allowFallback: wire.allow_fallback }),
  };
}
