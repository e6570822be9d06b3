import type { EngineBundle } from '@corral/contracts';
import type { EngineEntry, ExternalServer } from '@corral/catalog-core';
import { EXTERNAL_DIFFERENCES } from '@corral/engine';
import { attachedPoolId } from '../external/attached-pool.js';

/** A bundle as the wire shows it. */
export function engineView(entry: EngineEntry, nodeId: string, usedBy: readonly string[]): EngineBundle {
  const { gain, external } = entry;
  return {
    engine_id: entry.id,
    engine: entry.engine,
    version: entry.version,
    mode: entry.mode,
    build_ref: entry.buildRef,
    digest: entry.digest,
    build_flags: [...entry.buildFlags],
    artifacts: entry.artifacts.map(({ path, sizeBytes, digest }) => ({ path, size_bytes: sizeBytes, digest })),
    size_bytes: entry.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    location: entry.location,
    in_place: entry.inPlace,
    device_kinds: [...entry.deviceKinds],
    chosen_for: [...entry.chosenFor],
    gain: gain === null ? null : { against: gain.against, prefill: gain.prefill, decode: gain.decode, threads: gain.threads, measured_ms: gain.measuredMs },
    verification: entry.verification,
    last_verified_ms: entry.lastVerifiedMs,
    state: entry.state,
    pinned: entry.pinned,
    created_ms: entry.createdMs,
    last_used_ms: entry.lastUsedMs,
    used_by: [...usedBy],
    ...(external !== undefined && { external: serverView(nodeId, entry.id, external) }),
  };
}

function serverView(nodeId: string, engineId: string, { modelId, digest, modelPath, slots, contextTokens, capabilities }: ExternalServer): NonNullable<EngineBundle['external']> {
  return { model_id: modelId, digest, model_path: modelPath, pool_id: attachedPoolId(nodeId, engineId), slots, context: contextTokens, capabilities: [...capabilities], differences: [...EXTERNAL_DIFFERENCES] };
}
