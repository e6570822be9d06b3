import type { AdminHealth, Instance, Residency } from '@corral/contracts';
import { formatAge } from '../wording/format-age.js';
import { formatSize } from '../wording/format-size.js';
import type { Tone } from '../wording/tone.js';
import { PHASES } from './load-phases.js';

/** One line of the table of instances. */
export interface InstanceRow {
  readonly orgId: string;
  readonly instanceId: string;
  /** null where the caller may not know. */
  readonly model: string | null;
  readonly tier: string;
  readonly tierNote: string | null;
  readonly residency: { readonly tone: Tone; readonly label: string; readonly note: string | null; readonly fraction: number | null };
  /** null where it is nowhere; the node is null where it is not known. */
  readonly place: { readonly nodeId: string | null; readonly poolId: string } | null;
  readonly lastError: string | null;
  /** null where the caller can only look: instances of other organisations. */
  readonly actions: { readonly load: boolean; readonly unload: boolean } | null;
}

const RESIDENCY: Readonly<Record<Residency, { readonly tone: Tone; readonly label: string }>> = {
  absent: { tone: 'idle', label: 'not fetched' },
  on_disk: { tone: 'idle', label: 'on disk' },
  staged: { tone: 'good', label: 'staged in RAM' },
  loading: { tone: 'busy', label: 'loading' },
  resident: { tone: 'good', label: 'loaded' },
  draining: { tone: 'busy', label: 'draining' },
  failed: { tone: 'bad', label: 'failed' },
};

/** Every way in which a row says where its instance is. */
export const RESIDENCY_LABELS: readonly string[] = Object.values(RESIDENCY).map(({ label }) => label);

/**
 * Instances of the caller's organisation in full, those of others as far as an administrator sees them; by organisation, then name. What the
 * two answers say of `ownOrg` may differ for a moment: its own list counts. [U-09]
 */
export function instanceRows(own: readonly Instance[], all: AdminHealth['instances'], ownOrg: string | null): readonly InstanceRow[] {
  const foreign = all.filter(({ org_id }) => org_id !== ownOrg);
  const rows = [...own.filter(({ status }) => status !== 'deleted').map(ownRow), ...foreign.map(foreignRow)];
  return rows.toSorted((a, b) => compare(a.orgId, b.orgId) || compare(a.instanceId, b.instanceId));
}

function ownRow(instance: Instance): InstanceRow {
  const { progress, residency, held_tier: heldTier, tier } = instance;
  return {
    orgId: instance.org_id,
    instanceId: instance.instance_id,
    model: instance.model,
    tier,
    tierNote: tierNote(instance),
    residency: { ...seen(instance), note: progressNote(instance), fraction: residency === 'resident' ? null : (progress?.fraction ?? null) },
    place: instance.pool_id === null ? null : { nodeId: instance.node_id, poolId: instance.pool_id },
    lastError: instance.last_error,
    actions: {
      load: instance.status === 'active' && residency !== 'resident' && residency !== 'loading' && !(residency === 'staged' && heldTier === 'warm' && tier === 'warm'),
      unload: heldTier !== null || residency === 'resident' || residency === 'loading' || residency === 'staged',
    },
  };
}

/** What is not where it should be because something failed must not look at rest. */
function seen({ residency, last_error: lastError }: Pick<Instance, 'residency' | 'last_error'>): { readonly tone: Tone; readonly label: string } {
  const { tone, label } = RESIDENCY[residency];
  return { tone: tone === 'idle' && lastError !== null ? 'bad' : tone, label };
}

function tierNote({ kind, status, held_tier: heldTier, tier }: Instance): string | null {
  if (status === 'suspended') return 'suspended';
  if (kind === 'implicit') return 'kept by the server';
  return heldTier !== null && heldTier !== tier ? `held as ${heldTier}` : null;
}

function progressNote({ progress, estimated_ms: estimatedMs, residency }: Instance): string | null {
  if (progress === null || residency === 'resident') return null;
  const words = PHASES[progress.phase] ?? progress.phase;
  const { bytes_done: done, bytes_total: total } = progress;
  const bytes = done !== null && total !== null ? `, ${formatSize(done)} of ${formatSize(total)}` : '';
  const left = estimatedMs !== null && estimatedMs >= 1_000 ? `, about ${formatAge(estimatedMs)} left` : '';
  return `${words}${bytes}${left}`;
}

function foreignRow({ org_id, instance_id, residency, last_error }: AdminHealth['instances'][number]): InstanceRow {
  return {
    orgId: org_id,
    instanceId: instance_id,
    model: null,
    tier: '–',
    tierNote: null,
    residency: { ...seen({ residency, last_error }), note: null, fraction: null },
    place: null,
    lastError: last_error,
    actions: null,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
