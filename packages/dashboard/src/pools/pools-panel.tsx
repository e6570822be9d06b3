import type { PoolStatus, ReplicaStatus } from '@corral/contracts';
import type { JSX } from 'preact';
import { Bar } from '../shell/bar.js';
import { Chip } from '../shell/chip.js';
import { Fact } from '../shell/fact.js';
import { Listing } from '../shell/listing.js';
import { ModelLink, NodeLink } from '../shell/links.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { poolAnchor } from '../shell/route.js';
import { useNowMs } from '../shell/use-store.js';
import { When } from '../shell/when.js';
import { counted } from '../wording/counted.js';
import { formatAge } from '../wording/format-age.js';
import { formatSize } from '../wording/format-size.js';
import { breakerStory } from './breaker-story.js';
import { PoolDeedFailures, PoolDeeds } from './pool-deeds.js';
import { poolMemory } from './pool-memory.js';
import { poolState } from './pool-state.js';
import { replicaState } from './replica-state.js';
import { waitingReason } from './waiting-reason.js';

/** A card for each pool: its memory, who is in it, who waits, and what is wrong. [U-08] */
export function PoolsPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const { reading } = store.pools;
  return (
    <Panel id="pools" title="Pools" aside={reading.value === null ? undefined : counted(reading.value.length, 'pool')}>
      <Listing reading={reading} lines={4} empty={(pools) => (pools.length === 0 ? 'No pool is known. Start pool-managerd on a machine with a GPU, or with ALLOW_CPU_POOLS=true on one without; its pools appear here by themselves.' : undefined)}>
        {(pools) => (
          <ul class="pools">
            {pools.map((pool) => (
              <PoolCard key={pool.pool_id} pool={pool} store={store} />
            ))}
          </ul>
        )}
      </Listing>
    </Panel>
  );
}

function PoolCard({ pool, store }: { readonly pool: PoolStatus; readonly store: PageStore }): JSX.Element {
  const { tone, label } = poolState(pool);
  const memory = poolMemory(pool);
  const waiting = store.waitingIn(pool.pool_id);
  const waits = waitingReason(pool, waiting);
  return (
    <li class="pool" data-pool={pool.pool_id} id={poolAnchor(pool.pool_id)} tabIndex={-1}>
      <div class="pool__head">
        <h3>{pool.pool_id}</h3>
        <Chip tone={tone}>{label}</Chip>
        <PoolDeeds pool={pool} store={store} />
      </div>
      <p class="muted">
        {pool.device_name ?? (pool.device === 'none' ? 'No device' : pool.device)} on <NodeLink id={pool.node_id} />, {pool.engine} {pool.engine_version}
      </p>
      {pool.last_error !== null && (
        <p class="problem" data-pool-error>
          {pool.last_error}
        </p>
      )}
      <PoolDeedFailures pool={pool} store={store} />
      {pool.memory_total_bytes > 0 && (
        <div class="pool__memory">
          <Bar label={`Device memory of ${pool.pool_id}`} text={memory.text} parts={memory.parts} />
          <span class="figures">{memory.text}</span>
        </div>
      )}
      <dl class="facts">
        <Fact label="Slots">{`${pool.slots_total - pool.slots_free} of ${pool.slots_total} taken`}</Fact>
        <Fact label="Leases">{pool.active_leases}</Fact>
        <Fact label="Waiting tasks">{waiting ?? '–'}</Fact>
      </dl>
      {waits !== null && (
        <p class="muted" data-waiting>
          {waits}
        </p>
      )}
      {pool.replicas.length === 0 ? (
        pool.ready && <p class="empty">No model is loaded here. The first request that needs one, or a load below, brings it in.</p>
      ) : (
        <ul class="replicas">
          {pool.replicas.map((replica, n) => (
            <Replica key={replica.replica_id} replica={replica} hue={n % 6} store={store} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Replica({ replica, hue, store }: { readonly replica: ReplicaStatus; readonly hue: number; readonly store: PageStore }): JSX.Element {
  const nowMs = useNowMs(store);
  const { tone, label } = replicaState(replica);
  const story = breakerStory(replica, nowMs);
  const { ready_since_ms: sinceMs } = replica;
  return (
    <li class="replica" data-replica={replica.replica_id} data-state={replica.state}>
      <span class={`replica__key hue-${hue}`} aria-hidden="true" />
      <span class="replica__model">
        <ModelLink id={replica.model_id} />
      </span>
      <Chip tone={tone}>{label}</Chip>
      {replica.memory_bytes > 0 && (
        <p class="replica__facts figures muted">
          {formatSize(replica.memory_bytes)}, {replica.slots_total - replica.slots_free} of {replica.slots_total} slots taken, {replica.context.toLocaleString('en-US')} tokens each
          {sinceMs !== null && (
            <>
              , <When atMs={sinceMs}>for {formatAge(nowMs - sinceMs)}</When>
            </>
          )}
        </p>
      )}
      {replica.reason !== undefined && <p class="replica__reason muted">Why it came: {replica.reason}</p>}
      {story !== null && <p class="problem problem--warn replica__reason">{story}</p>}
      {replica.last_error !== null && <p class="problem replica__reason">{replica.last_error}</p>}
    </li>
  );
}
