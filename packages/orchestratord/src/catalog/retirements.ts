import { ApiError } from '@corral/contracts';
import type { Clock, Log } from '@corral/service-kit';
import { retiredMessage } from '../manifest/resolve-model-ref.js';
import type { TaskLoop } from '../tasks/task-loop.js';
import type { Catalog } from './catalog.js';

export interface RetirementsParts {
  readonly catalog: Pick<Catalog, 'intent' | 'onChange'>;
  readonly tasks: Pick<TaskLoop, 'endTasksOf'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a retirement means for the tasks of its model: those that wait are refused at once, those that run may finish, until the deadline where there is one. [G-10] */
export class Retirements {
  /** One for each model with a deadline to come. */
  readonly #deadlines = new Map<string, AbortController>();
  readonly #unsubscribe: () => void;

  constructor(private readonly parts: RetirementsParts) {
    this.#unsubscribe = parts.catalog.onChange((modelIds) => {
      for (const modelId of modelIds) this.#look(modelId);
    });
  }

  close(): void {
    this.#unsubscribe();
    for (const deadline of this.#deadlines.values()) deadline.abort();
    this.#deadlines.clear();
  }

  #look(modelId: string): void {
    const { catalog, tasks } = this.parts;
    this.#deadlines.get(modelId)?.abort();
    this.#deadlines.delete(modelId);
    const intent = catalog.intent(modelId);
    if (intent?.state !== 'Retired') return;
    tasks.endTasksOf(modelId, 'waiting', new ApiError('MODEL_DEPRECATED', retiredMessage(modelId)));
    if (intent.drainUntilMs !== null) void this.#cutAt(modelId, intent.drainUntilMs);
  }

  async #cutAt(modelId: string, atMs: number): Promise<void> {
    const { clock, tasks, log } = this.parts;
    const deadline = new AbortController();
    this.#deadlines.set(modelId, deadline);
    await clock.sleep(Math.max(0, atMs - clock.nowMs()), deadline.signal).catch(() => undefined);
    if (deadline.signal.aborted) return;
    this.#deadlines.delete(modelId);
    const cut = tasks.endTasksOf(modelId, 'all', new ApiError('MODEL_DEPRECATED', `model ${modelId} was retired, and the deadline for what ran on it has passed; send the request again with another model`));
    if (cut > 0) log.warn('tasks of a retired model cut', { model_id: modelId, tasks: cut });
  }
}
