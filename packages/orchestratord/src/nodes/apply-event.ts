import type { AssignmentStatus, EventData, EventEnvelope, InstanceOutcome, NodeModel, NodeState, PoolStatus } from '@corral/contracts';

/** The node that an event is about; `null` for commands, reloads and what is meant for models, which come from here. */
export function nodeOfEvent({ data }: EventEnvelope): string | null {
  return 'node_id' in data ? data.node_id : null;
}

/**
 * The node's state with one event after it. Pure. An event that is older than the state is in it already and changes
 * nothing; the same event twice changes nothing more. [E-23]
 */
export function applyEvent(state: NodeState, event: EventEnvelope): NodeState {
  if (Date.parse(event.time) < Date.parse(state.sent_at)) return state;
  switch (event.type) {
    case 'pool.ready':
    case 'pool.unready':
      return { ...state, pools: withPool(state.pools, event.data) };
    case 'catalog.model_registered':
      return { ...state, models: withModel(state.models, event.data.model) };
    case 'catalog.state_changed':
      return { ...state, models: withState(state.models, event.data) };
    case 'catalog.model_deleted':
      return { ...state, models: state.models.filter(({ model_id }) => model_id !== event.data.model_id) };
    case 'instance.loading':
    case 'instance.loaded':
    case 'instance.load_failed':
    case 'instance.unloaded':
    case 'instance.evicted':
      return { ...state, assignments: withOutcome(state.assignments, event.data) };
    case 'orchestrator.load':
    case 'orchestrator.unload':
    case 'orchestrator.reload_succeeded':
    case 'orchestrator.reload_failed':
    case 'catalog.intent_registered':
    case 'catalog.intent_changed':
    case 'catalog.intent_deleted':
    case 'catalog.engine_used':
    case 'catalog.engine_rejected':
      return state;
  }
}

/** A pool that the state does not have is left to the next state: it may have been taken away meanwhile. */
function withPool(pools: readonly PoolStatus[], pool: PoolStatus): PoolStatus[] {
  return pools.map((known) => (known.pool_id === pool.pool_id ? pool : known));
}

function withModel(models: readonly NodeModel[], model: NodeModel): NodeModel[] {
  return [...models.filter((known) => known.model_id !== model.model_id), model];
}

function withState(models: readonly NodeModel[], { model_id, to }: EventData<'catalog.state_changed'>): NodeModel[] {
  return models.map((known) => (known.model_id === model_id ? { ...known, lifecycle: to.state, pinned: to.pinned } : known));
}

function withOutcome(statuses: readonly AssignmentStatus[], outcome: InstanceOutcome): AssignmentStatus[] {
  const { instance_id, org_id, generation, pool_id, residency, replica_id, last_error, progress, retry_at_ms, previous_replica_id, no_room } = outcome;
  const retry = { ...(retry_at_ms === undefined ? {} : { retry_at_ms }), ...(previous_replica_id === undefined ? {} : { previous_replica_id }), ...(no_room === undefined ? {} : { no_room }) };
  const isSame = (known: AssignmentStatus) => known.instance_id === instance_id && known.org_id === org_id;
  const known = statuses.find(isSame);
  if (known !== undefined && known.generation > generation) return [...statuses];
  return [...statuses.filter((status) => !isSame(status)), { instance_id, org_id, generation, pool_id, residency, replica_id, last_error, progress, ...retry }];
}
