import { EngineError, runWorker } from '@corral/engine';
import type { ScriptedBehaviour } from './behaviour.js';
import { ScriptedModel } from './scripted-model.js';

/** Program of a scripted engine worker: the real worker's socket and life, with a script for a model. */
const initialising = JSON.parse(process.argv[2] ?? '{}') as ScriptedBehaviour;

runWorker(async () => {
  if (initialising.failInit !== undefined) throw new EngineError(initialising.failInit, 'the scripted engine was told not to start');
  return async (spec, { onProgress, extra }) => {
    const behaviour = (extra ?? initialising) as ScriptedBehaviour;
    if (behaviour.hang === 'load') await new Promise(() => undefined);
    onProgress(0.5);
    await new Promise((resolve) => setTimeout(resolve, behaviour.preloadMs ?? 0));
    if (behaviour.failPreload !== undefined) throw new EngineError(behaviour.failPreload, 'the scripted engine was told to fail its load');
    onProgress(1);
    const layers = spec.deviceKind === 'cpu' ? 0 : 1;
    const memory = { weightsBytes: 1_000_000, contextBytes: 100 * spec.contextTokens * spec.slots, hostBytes: 0 };
    return new ScriptedModel({ slots: spec.slots, contextTokens: spec.contextTokens, layersOnDevice: layers, totalLayers: 1, memory, hasChatTemplate: true, loadMs: behaviour.preloadMs ?? 0, loadPath: 'public' }, behaviour, spec.prefixFolder ?? null);
  };
});
