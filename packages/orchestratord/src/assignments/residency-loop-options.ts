import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { Clock, Log, Metrics } from '@corral/service-kit';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { ServedSource } from '../manifest/served-state.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import type { OutboxRelay } from './outbox-relay.js';
import type { WantedSet } from './wanted-set.js';

export interface ResidencyLoopOptions {
  readonly nodes: Pick<NodeDirectory, 'pools' | 'places' | 'refresh' | 'onChange'>;
  readonly models: Pick<ModelDirectory, 'keyOf' | 'factsOf' | 'specOf' | 'specOfInstance' | 'noteFile' | 'implicitTier' | 'isMeant' | 'isSameReplica' | 'isRetired' | 'isPurged' | 'pinned'>;
  readonly instances: Pick<InstanceRegistry, 'list' | 'find'>;
  readonly wanted: Pick<WantedSet, 'all' | 'find' | 'apply' | 'release' | 'hold' | 'forget' | 'noteUses'>;
  readonly outbox: Pick<OutboxRelay, 'published' | 'refusal'>;
  readonly served: ServedSource;
  readonly swapQuantumMs: number;
  /** Instances that may be hot at once; `null` = as many as device memory holds. [C-63] */
  readonly hotCeiling: number | null;
  /** After the start, a node that was not heard of yet keeps what it has for so long. */
  readonly nodeGraceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  /** The loop's state can no longer be trusted; the daemon must end. */
  onCrash(error: unknown): void;
}
