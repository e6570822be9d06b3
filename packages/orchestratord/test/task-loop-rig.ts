import { ApiError, ORCHESTRATORD_METRICS, type PoolStatus, type ReplicaStatus } from '@corral/contracts';
import { createMetrics, silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import type { Demand, ModelStatus, ReplicaUse } from '../src/assignments/demand.js';
import type { NodeChange, PoolView } from '../src/nodes/node-view.js';
import type { InstanceKey } from '../src/store/instance-rows.js';
import type { Dispatch, DispatchOutcome } from '../src/tasks/dispatcher.js';
import { NO_PIN } from '../src/manifest/binding-registry.js';
import { TaskJournal } from '../src/tasks/task-journal.js';
import type { NewTask, TaskLimits } from '../src/tasks/task-loop-parts.js';
import { TaskLoop } from '../src/tasks/task-loop.js';
import type { Ending } from '../src/tasks/task-output.js';

const RESIDENT: ModelStatus = { state: 'resident', message: 'it is resident', steps: [], estimatedMs: 0, sinceMs: 0, retryAfterMs: 0 };
export const NONE: ModelStatus = { state: 'none', message: 'nothing was asked for yet', steps: [], estimatedMs: null, sinceMs: 0, retryAfterMs: 0 };

export function aReplica(id: string, modelId: string, slots: number): ReplicaStatus {
  return {
    replica_id: id, pid: 1, model_id: modelId, digest: `sha256:${'0'.repeat(64)}`, state: 'resident', context: 2_048, slots_total: slots, slots_free: slots,
    memory_bytes: 1_000, threads: 1, load_progress: null, ready_since_ms: 0, last_error: null,
  };
}

export function aPool(id: string, replicas: readonly ReplicaStatus[], extra: Partial<PoolStatus> = {}): PoolView {
  const status: PoolStatus = {
    pool_id: id, node_id: 'n1', device: 'cpu', device_kind: 'cpu', device_name: null, engine: 'llamacpp', engine_version: '3.22.1', live: true, ready: true, draining: false,
    last_error: null, memory_total_bytes: 10_000, memory_used_bytes: 1_000, replicas_max: 2, slots_total: 0, slots_free: 0, active_leases: 0, replicas: [...replicas], ...extra,
  };
  return { poolId: id, nodeId: 'n1', address: 'http://127.0.0.1:1', online: true, snapshotAgeMs: 0, status };
}

interface Told {
  readonly endings: Ending[];
  readonly frames: string[];
}

export interface Running extends Dispatch {
  finish(outcome: DispatchOutcome): Promise<void>;
}

export const LOST: DispatchOutcome = { kind: 'failed', placeAgain: true, attempted: true, error: new ApiError('WORKER_RESET', 'gone') };
export const DONE: DispatchOutcome = { kind: 'completed', usage: null };
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A task loop on fakes of its ports: nodes, residency and dispatch answer what a test says. */
export function aRig(options: { readonly pools?: readonly PoolView[]; readonly capacity?: number; readonly fullPolicy?: 'reject' | 'drop-lru' | 'shed-low-priority'; readonly limits?: Partial<TaskLimits> } = {}) {
  const clock = new FakeClock();
  const state = {
    pools: options.pools ?? [aPool('p1', [aReplica('r1', 'm', 1)])],
    status: new Map<string, ModelStatus>(),
    yielding: new Set<string>(),
    demands: [] as readonly Demand[],
    use: [] as readonly ReplicaUse[],
    active: [] as readonly InstanceKey[],
    refused: new Map<string, ApiError>(),
    left: [] as ((instance: InstanceKey, error: ApiError) => void)[],
    running: new Map<string, Running>(),
    started: [] as string[],
  };
  const listeners: ((change: NodeChange) => void)[] = [];
  const metrics = createMetrics(ORCHESTRATORD_METRICS);
  const loop = new TaskLoop({
    pools: { pools: () => state.pools, onChange: (listener) => (listeners.push(listener), () => undefined) },
    residency: {
      update: (demands, use, active) => void ([state.demands, state.use, state.active] = [demands, use, active]),
      statusOf: (key) => state.status.get(key) ?? RESIDENT,
      isYielding: (id) => state.yielding.has(id),
      refusalOf: ({ instanceId }) => state.refused.get(instanceId) ?? null,
      onLeft: (listener) => (state.left.push(listener), () => undefined),
      onChange: (listener) => (listeners.push(() => listener('')), () => undefined),
    },
    models: { memoryNeed: () => null },
    dispatcher: {
      run: (dispatch) =>
        new Promise((resolve) => {
          const finish = async (outcome: DispatchOutcome): Promise<void> => {
            resolve(outcome);
            await settle();
          };
          dispatch.signal.addEventListener('abort', () => resolve({ kind: 'aborted' }), { once: true });
          dispatch.lost.addEventListener('abort', () => resolve(LOST), { once: true });
          state.started.push(dispatch.request.task_id);
          state.running.set(dispatch.request.task_id, { ...dispatch, finish });
        }),
    },
    journal: new TaskJournal({ log: silentLog, metrics, clock, engineVersionOf: () => '3.22.1', used: () => undefined }),
    clock,
    limits: { queueWaitMs: 60_000, loadWaitMs: 30_000, firstTokenMs: 10_000, tokenGapMs: 10_000, wallMs: 600_000, maxSnapshotAgeMs: 60_000, attemptsMax: 3, ...options.limits },
    queuePolicyOf: () => ({ capacity: options.capacity ?? 100, fullPolicy: options.fullPolicy ?? 'reject' }),
    keyOf: (replica) => `${replica.model_id}@${replica.context}`,
    holderOf: ({ instance }) => instance,
    targetNow: (target) => target,
  });
  return {
    clock, state, loop, metrics, settle,
    changed: (change: NodeChange = { type: 'reported', nodeId: 'n1' }) => listeners.forEach((listener) => listener(change)),
    submit: (id: string, task: SubmitChanges = {}) => submit(loop, id, task),
  };
}

interface SubmitChanges extends Partial<NewTask> {
  readonly model?: string;
  /** Aborted = the client has gone. */
  readonly gone?: AbortController;
}

function submit(loop: TaskLoop, id: string, { model = 'm', gone = new AbortController(), ...task }: SubmitChanges): Told & { readonly gone: AbortController } {
  const told: Told = { endings: [], frames: [] };
  loop.submit({
    id, orgId: 'default', keyId: null, correlationId: `c-${id}`, priority: 'interactive', placement: null, pin: NO_PIN,
    spec: {
      taskId: id, modelRef: model, input: { type: 'prompt', prompt: 'x' }, unset: new Set(), maxTokens: 4, overflow: 'refuse', priority: null, placement: null, requiredCtx: null, expectedTokens: null, deadlineMs: null,
      sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, seed: 1, stop: [] },
      output: { dialect: 'task', stream: true, include_usage: true, id },
    },
    target: {
      model: { model_id: model, sources: ['file:/m.gguf'], digest: null, context: 2_048, slots: 1, pinned: false },
      modelKey: `${model}@2048`, instance: { orgId: 'default', instanceId: `model.${model}`, tier: 'demand' }, route: null,
    },
    output: {
      started: () => void told.frames.push('started'),
      metrics: (frame) => void told.frames.push(frame.pool_id === undefined ? `waits for ${frame.waiting_for}` : `on ${frame.replica_id}`),
      open: () => ({ write: () => true, onDrain: (resume) => resume(), end: () => undefined }),
      end: (ending) => void told.endings.push(ending),
      abandoned: gone.signal,
    },
    ...task,
  });
  return { ...told, gone };
}
