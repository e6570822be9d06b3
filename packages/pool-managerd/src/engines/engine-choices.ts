import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceKind, EngineEntry } from '@corral/catalog-core';
import type { EngineStore } from '@corral/catalog-core/fs';
import type { EngineBundleRef, EngineProvider } from '@corral/engine';
import { builtInId, NATIVE_BINARY } from '@corral/provisioners';
import type { Log } from '@corral/service-kit';

/** A bundle that is being taken up. Idle workers run it first, replicas once it is `forReplicas`. */
export interface Trial {
  readonly kind: DeviceKind;
  readonly id: string;
  readonly forReplicas: boolean;
}

export interface EngineChoicesOptions {
  readonly store: EngineStore;
  readonly engine: Pick<EngineProvider, 'name' | 'version' | 'builtIn'>;
  readonly log: Log;
}

/** Which bundle runs the processes on each kind of device: the one on trial, the chosen one, what came with the program. [D-74] */
export class EngineChoices {
  #trial: Trial | null = null;
  #unusable: ReadonlySet<string> = new Set();
  #onChange: () => void = () => {};

  constructor(private readonly options: EngineChoicesOptions) {}

  /** Called after each change. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Looks at the files of what is chosen; what cannot serve gives way to what came with the program. */
  async check(): Promise<void> {
    const { store, engine, log } = this.options;
    const unusable = new Set<string>();
    for (const entry of store.list().filter(({ chosenFor }) => chosenFor.length > 0)) {
      const problem = entry.version === engine.version ? await missingFile(entry) : `it is of version ${entry.version} and this program runs ${engine.version} alone`;
      if (problem === null) continue;
      unusable.add(entry.id);
      log.warn('chosen engine cannot serve; what came with the program does', { engine_id: entry.id, last_error: problem });
    }
    this.#unusable = unusable;
  }

  /** `null` = the engine has no bundles. */
  forReplicas(kind: DeviceKind): string | null {
    const trial = this.#trial;
    return trial?.kind === kind && trial.forReplicas ? trial.id : this.#chosen(kind);
  }

  forIdleWorkers(kind: DeviceKind): string | null {
    return this.#trial?.kind === kind ? this.#trial.id : this.#chosen(kind);
  }

  /** The native build behind an id; `undefined` where there is none. */
  bundle(id: string | null): EngineBundleRef | undefined {
    if (id === null) return undefined;
    const { store, engine } = this.options;
    const builtIn = engine.builtIn.find(({ deviceKind }) => this.builtInId(deviceKind) === id);
    if (builtIn !== undefined) return { id, binary: builtIn.binary };
    const entry = store.get(id);
    return entry === null || entry.mode === 'external' ? undefined : { id, binary: join(entry.location, NATIVE_BINARY) };
  }

  builtInId(kind: DeviceKind): string {
    const { name, version } = this.options.engine;
    return builtInId({ engine: name, version }, kind);
  }

  get trial(): Trial | null {
    return this.#trial;
  }

  /** Puts a bundle on trial, or with `null` goes back to what is chosen. */
  try(trial: Trial | null): void {
    this.#trial = trial;
    this.#onChange();
  }

  /** Makes a bundle the chosen one, durably; a trial of it is over then. */
  async choose(kind: DeviceKind, id: string): Promise<void> {
    await this.options.store.choose(id, kind);
    this.#unusable = new Set([...this.#unusable].filter((each) => each !== id));
    this.try(null);
  }

  #chosen(kind: DeviceKind): string | null {
    const { store, engine } = this.options;
    const chosen = store.list().find(({ id, chosenFor }) => chosenFor.includes(kind) && !this.#unusable.has(id));
    if (chosen !== undefined) return chosen.id;
    return engine.builtIn.some(({ deviceKind }) => deviceKind === kind) ? this.builtInId(kind) : null;
  }
}

/** The first file that is not there in its size. Reading all of them would delay the start. */
async function missingFile({ location, artifacts }: EngineEntry): Promise<string | null> {
  for (const { path, sizeBytes } of artifacts) {
    const found = await stat(join(location, path)).catch(() => null);
    if (found?.size !== sizeBytes) return `${join(location, path)} is ${found === null ? 'missing' : `${found.size} bytes long instead of ${sizeBytes}`}; remove the bundle and add it again`;
  }
  return null;
}
