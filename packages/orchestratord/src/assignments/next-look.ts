import type { ResidencyPlan } from '@corral/orchestrator-core';
import type { NodeDirectory } from '../nodes/node-view.js';
import { isInProgress, type AssignmentView } from './assignment-view.js';
import type { FailureWatch } from './failure-watch.js';
import { RecentFetches } from './recent-fetches.js';

/** While something is loaded, its progress is asked for so often. */
const PROGRESS_MS = 500;
const LONGEST_MS = 60_000;

export interface Looked {
  readonly plans: readonly ResidencyPlan[];
  /** Models that anyone wants. */
  readonly wantedKeys: ReadonlySet<string>;
  readonly views: readonly AssignmentView[];
  /** When the first idle instance has had its time; `null` where none is idle. */
  readonly nextIdleMs: number | null;
  readonly nowMs: number;
}

/** When to look again although nothing was said to have changed. */
export class NextLook {
  #refreshedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: { readonly nodes: Pick<NodeDirectory, 'refresh'>; readonly failures: Pick<FailureWatch, 'blocking'> }) {}

  /** Milliseconds from now. */
  afterMs(looked: Looked): number {
    const { plans, wantedKeys, nextIdleMs, nowMs } = looked;
    const waits = plans.flatMap((plan) => (plan.kind === 'wait' && plan.untilMs > 0 ? [plan.untilMs] : []));
    const retries = [...wantedKeys].flatMap((key) => this.parts.failures.blocking(key, nowMs)?.retryAtMs ?? []).map((atMs) => atMs - nowMs);
    const refetches = plans.some(({ kind }) => kind === 'fetch') ? [RecentFetches.AGAIN_MS] : [];
    const idle = nextIdleMs === null ? [] : [nextIdleMs - nowMs];
    return Math.max(1, Math.min(LONGEST_MS, ...waits, ...retries, ...refetches, ...idle, ...this.#askForProgress(looked)));
  }

  /** Somebody waits for what these nodes do: they are asked how far they are, since heartbeats come seldom. */
  #askForProgress({ views, wantedKeys, nowMs }: Looked): readonly number[] {
    const working = new Set(views.filter((view) => wantedKeys.has(view.modelKey) && isInProgress(view)).map(({ assignment }) => assignment.target.node_id));
    if (working.size === 0) return [];
    const dueInMs = this.#refreshedAtMs + PROGRESS_MS - nowMs;
    if (dueInMs > 0) return [dueInMs];
    this.#refreshedAtMs = nowMs;
    for (const nodeId of working) this.parts.nodes.refresh(nodeId);
    return [PROGRESS_MS];
  }
}
