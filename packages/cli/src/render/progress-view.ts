import type { MetricsFrame, PreparationStep } from '@corral/contracts';

/** What a waiting task is doing, for one line or one bar. */
export interface ProgressView {
  readonly label: string;
  /** Both known: a bar can be drawn. */
  readonly doneBytes: number | null;
  readonly totalBytes: number | null;
}

/** What a `metrics` frame says about the wait; `undefined` when it says nothing about it. [J-07] */
export function progressView(frame: MetricsFrame): ProgressView | undefined {
  const step = currentStep(frame.prep ?? []);
  if (step !== undefined) return { label: labelOf(step), doneBytes: step.bytes_done, totalBytes: step.bytes_total };
  const wait = frame.waiting_for ?? positionText(frame);
  return wait === undefined ? undefined : { label: wait, doneBytes: null, totalBytes: null };
}

/** The step that runs, else the one that is next. */
function currentStep(steps: readonly PreparationStep[]): PreparationStep | undefined {
  return steps.find((step) => step.status === 'running') ?? steps.find((step) => step.status === 'pending');
}

function labelOf({ kind, group, description, status }: PreparationStep): string {
  if (description !== '') return status === 'pending' ? `next: ${description}` : description;
  switch (kind) {
    case 'engine_provision':
      return 'preparing the engine';
    case 'model_fetch':
      return `fetching ${group}`;
    case 'model_stage':
      return `staging ${group}`;
    case 'pool_warmup':
      return `loading ${group}`;
  }
}

function positionText({ queue_position: position }: MetricsFrame): string | undefined {
  return position === undefined || position === 0 ? undefined : `waiting in the queue, ${position} before it`;
}
