import { join } from 'node:path';
import { STATE_FILE, type OrchestratorState } from '@corral/contracts';
import { writeFileAtomic, type Clock, type Log } from '@corral/service-kit';
import type { BindingStatus, ReloadSource } from '../manifest/reloads.js';
import { shownBinding } from './shown-reload.js';

export interface StateFileOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly manifestPath: string | null;
  manifestHash(): string;
  bindings(): readonly BindingStatus[];
  connectors(): OrchestratorState['connectors'];
}

/** Where the daemon listens. */
export interface Listener {
  /** `host:port`. */
  readonly bind: string;
  readonly url: string;
}

const ACTIVATIONS_MAX = 20;

/**
 * What other programs of this machine read instead of asking: where the server listens and what it serves. Written at
 * start, after every reload that succeeded, and at the end; a reader sees one of these states whole. [F-14]
 */
export class StateFile {
  readonly #startedAtMs: number;
  #listener: Listener | null = null;
  #activations: OrchestratorState['activations'] = [];
  #stoppedAtMs: number | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(private readonly options: StateFileOptions) {
    this.#startedAtMs = options.clock.nowMs();
  }

  /** Listening, with the manifest of the start. */
  started(listener: Listener): Promise<void> {
    this.#listener = listener;
    return this.activated('start');
  }

  /** Another manifest serves. */
  activated(source: ReloadSource | 'start'): Promise<void> {
    const { clock, manifestHash } = this.options;
    this.#activations = [{ at: timeOf(clock.nowMs()), source, manifest_hash: manifestHash() }, ...this.#activations].slice(0, ACTIVATIONS_MAX);
    return this.#write();
  }

  /** The end of a daemon that had started; what is still told after it changes nothing of that. */
  stopped(): Promise<void> {
    this.#stoppedAtMs ??= this.options.clock.nowMs();
    return this.#write();
  }

  /** One after the other, each with what holds when its turn comes. A disk that refuses costs the file, not the service. */
  #write(): Promise<void> {
    const { stateDir, log } = this.options;
    this.#writing = this.#writing.then(async () => {
      const state = this.#state();
      if (state === null) return;
      const path = join(stateDir, STATE_FILE);
      await writeFileAtomic(path, `${JSON.stringify(state, null, 2)}\n`).catch((error: unknown) => log.error('state file not written; corral reload needs --admin-url', { path, error }));
    });
    return this.#writing;
  }

  #state(): OrchestratorState | null {
    const { stateDir, clock, manifestPath, manifestHash, bindings, connectors } = this.options;
    if (this.#listener === null) return null;
    return {
      status: this.#stoppedAtMs === null ? 'running' : 'stopped',
      role: 'orchestratord',
      pid: process.pid,
      bind: this.#listener.bind,
      listener_url: this.#listener.url,
      manifest_path: manifestPath,
      manifest_hash: manifestHash(),
      state_dir: stateDir,
      started_at: timeOf(this.#startedAtMs),
      stopped_at: this.#stoppedAtMs === null ? null : timeOf(this.#stoppedAtMs),
      written_at: timeOf(clock.nowMs()),
      bindings: bindings().map(shownBinding),
      connectors: connectors(),
      activations: this.#activations,
    };
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
