import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { Log, Metrics } from '@corral/service-kit';
import { formatDuration } from '@corral/service-kit';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { AssignmentView } from './assignment-view.js';
import type { ModelStatus } from './demand.js';
import type { LoadFailure } from './load-failures.js';
import type { PlannedWish } from './plan-changes.js';
import type { LoadDone } from './residency-memory.js';

const LONGEST_HUMAN = 100;
const TIERS = ['hot', 'warm', 'cold', 'demand'] as const;
const RESIDENCIES = ['absent', 'on_disk', 'staged', 'loading', 'resident', 'draining', 'failed'] as const;

/** What the residency loop tells people: one line for each plan that was carried out, each load that ended. [H-11 H-13] */
export class ResidencyLog {
  constructor(
    private readonly log: Log,
    private readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>,
  ) {}

  /** A plan was committed. `nameOf` turns model keys into names. */
  planned({ wish, plan }: PlannedWish, nameOf: (modelKey: string) => string): void {
    const { model, instance, waitingMs, waitingTasks } = wish.demand;
    const asked = { model_id: model.model_id, instance_id: instance.instanceId, org_id: instance.orgId, source: wish.source, waiting_ms: waitingMs, waiting_tasks: waitingTasks };
    if (plan.kind === 'fetch') {
      const human = short(`Fetches ${model.model_id} to node ${plan.nodeId}.`);
      this.log.info('model fetch ordered', { ...asked, human, node_id: plan.nodeId, because: plan.because, bytes: plan.bytes, estimated_ms: plan.estimatedMs });
    }
    if (plan.kind !== 'load') return;
    const yields = plan.yields.map((one) => ({ model_id: nameOf(one.modelKey), replica_id: one.replicaId, mode: one.mode, reason: one.reason, bytes: one.bytes }));
    for (const { reason } of plan.yields) this.metrics.inc('instance_evictions_total', { reason });
    const { needBytes, freeBytes, weights, cost, runnerUp } = plan.why;
    this.log.info('model load ordered', {
      ...asked,
      human: short(loadStory(model.model_id, plan.poolId, yields.map(({ model_id }) => model_id), waitingMs)),
      node_id: plan.nodeId,
      pool_id: plan.poolId,
      yields,
      need_bytes: needBytes,
      free_bytes: freeBytes,
      weights,
      expected_ms: plan.costMs,
      cost_ms: { queue: cost.queueMs, wait: cost.waitMs, drain: cost.drainMs, fetch: cost.fetchMs, load: cost.loadMs, yield: cost.yieldMs },
      runner_up: runnerUp,
    });
  }

  loaded({ view, from, durationMs }: LoadDone): void {
    const { model, target, instance_id, org_id } = view.assignment;
    this.metrics.observe('instance_load_duration_ms', { from }, durationMs);
    const human = short(`${model.model_id} is ready in ${target.pool_id} after ${formatDuration(durationMs)}.`);
    this.log.info('model resident', { human, model_id: model.model_id, instance_id, org_id, node_id: target.node_id, pool_id: target.pool_id, from, duration_ms: Math.round(durationMs) });
  }

  failed({ assignment }: AssignmentView, failure: LoadFailure, nowMs: number): void {
    const { model, target, instance_id, org_id, generation } = assignment;
    this.log.warn('model not loaded', {
      human: short(`${model.model_id} could not be loaded in ${target.pool_id}.`),
      model_id: model.model_id, instance_id, org_id, generation, node_id: target.node_id, pool_id: target.pool_id,
      last_error: failure.message, failures: failure.failures, retry_in_ms: Math.round(failure.retryAtMs - nowMs),
    });
  }

  /** Its node had no room for it, though the plan expected some; it is planned again. */
  noRoom({ assignment, status }: AssignmentView, againMs: number): void {
    const { model, target, instance_id, org_id, generation } = assignment;
    const human = short(`${model.model_id} waits for room in ${target.pool_id}.`);
    this.log.info('model load put off', { human, model_id: model.model_id, instance_id, org_id, generation, node_id: target.node_id, pool_id: target.pool_id, reason: status?.last_error ?? null, again_in_ms: Math.round(againMs) });
  }

  /** A model that tasks wait for is in another state than before. */
  changed(modelId: string, from: ModelStatus['state'], to: ModelStatus): void {
    this.log.info('model state changed', { model_id: modelId, from, to: to.state, reason: to.message });
    this.metrics.remove('model_residency', { model_id: modelId, state: from });
    this.metrics.set('model_residency', { model_id: modelId, state: to.state }, 1);
  }

  /** The gauges of instances, by wish and by fact. */
  count(instances: readonly InstanceRecord[], views: readonly AssignmentView[]): void {
    for (const tier of TIERS) this.metrics.set('instances', { tier }, instances.filter((one) => one.tier === tier).length);
    for (const state of RESIDENCIES) this.metrics.set('instance_residency', { state }, views.filter(({ status }) => status?.residency === state).length);
  }

  notCommitted(error: unknown): void {
    this.log.error('plan not committed; it is made again', { error });
  }
}

function loadStory(modelId: string, poolId: string, yielding: readonly string[], waitingMs: number): string {
  if (yielding.length === 0) return `Loads ${modelId} in ${poolId}.`;
  return `${[...new Set(yielding)].join(', ')} makes room for ${modelId} in ${poolId}, which has waited ${formatDuration(waitingMs)}.`;
}

function short(text: string): string {
  return text.length <= LONGEST_HUMAN ? text : `${text.slice(0, LONGEST_HUMAN - 1)}…`;
}
