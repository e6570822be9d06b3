import { fileURLToPath } from 'node:url';

/** Compiled programs of the llama.cpp engine, for tests that load its sources. Build before they run. */
export function llamacppPrograms(): { readonly worker: string; readonly probe: string; readonly bundle: string } {
  const path = (name: string): string => fileURLToPath(new URL(`../../engine/dist/${name}.js`, import.meta.url));
  return { worker: path('llamacpp/worker'), probe: path('llamacpp/probe'), bundle: path('bundle/worker') };
}
