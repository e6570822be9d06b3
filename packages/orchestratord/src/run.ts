import { runDaemon } from '@corral/service-kit';
import { startOrchestratord } from './compose.js';
import { configSpec, programOf } from './config.js';
import { checkManifestFile } from './manifest/load-manifest.js';
import { describeProblem } from './manifest/manifest-error.js';
import { VERSION } from './version.js';

export interface RunOptions {
  /** Without node and script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What closing one part may take beyond the grace that running answers get. */
const CLOSE_MARGIN_MS = 2_000;

/** The life of orchestratord, from its arguments to its exit code. */
export function runOrchestratord(options: RunOptions): Promise<number> {
  return runDaemon(
    {
      program: programOf(VERSION),
      configSpec,
      section: { name: 'orchestratord', others: ['pool_managerd'] },
      check: async ({ manifest }) => (manifest === '' ? [] : (await checkManifestFile(manifest)).map((problem) => `${manifest}: ${describeProblem(problem)}`)),
      start: startOrchestratord,
      closeMs: (config) => config.shutdown_grace_ms + CLOSE_MARGIN_MS,
    },
    options,
  );
}
