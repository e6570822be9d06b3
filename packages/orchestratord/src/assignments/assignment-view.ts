import type { Assignment, AssignmentStatus, ModelSpec, NodeModel, Tier } from '@corral/contracts';
import { modelKeyOf } from '../manifest/model-key.js';
import type { NodePlace } from '../nodes/node-view.js';

/** What is wanted, where its node has it, and whether that node reports. */
export interface AssignmentView {
  readonly assignment: Assignment;
  readonly modelKey: string;
  /** `undefined` while the node's last report does not know this generation. */
  readonly status: AssignmentStatus | undefined;
  readonly place: NodePlace | undefined;
  /** What the node last said of an earlier generation, as long as it does not know this one. */
  readonly earlier?: AssignmentStatus | undefined;
}

/** Joins the wanted set with the last reports. Pure. */
export function assignmentViews(wanted: readonly Assignment[], places: readonly NodePlace[]): readonly AssignmentView[] {
  const placeOf = new Map(places.map((place) => [place.nodeId, place]));
  return wanted.map((assignment) => {
    const place = placeOf.get(assignment.target.node_id);
    const { org_id, instance_id, generation } = assignment;
    const known = place?.assignments.find((one) => one.org_id === org_id && one.instance_id === instance_id);
    const status = known?.generation === generation ? known : undefined;
    return { assignment, modelKey: modelKeyOf(assignment.model), status, place, earlier: status === undefined ? known : undefined };
  });
}

/** One text per instance. */
export function keyOfView({ assignment }: AssignmentView): string {
  return `${assignment.org_id}/${assignment.instance_id}`;
}

/**
 * The replica that serves until the wanted one does. Until its node knows of the wish, that is the one which serves in
 * that pool by the wish before. [C-261]
 */
export function previousReplicaOf({ assignment, status, earlier }: AssignmentView): string | undefined {
  if (assignment.wanted !== 'resident') return undefined;
  if (status !== undefined || earlier?.pool_id !== assignment.target.pool_id) return status?.previous_replica_id;
  return earlier.previous_replica_id ?? earlier.replica_id ?? undefined;
}

/** Whether the node brings the model to take the place of one that serves there: to fetch it first would take that away. */
export function isReplacing(view: AssignmentView): boolean {
  return view.place?.online === true && previousReplicaOf(view) !== undefined;
}

/** The file that a spec means, on one node; `undefined` when it is not there. */
export function modelOn(place: NodePlace | undefined, { model_id, digest }: Pick<ModelSpec, 'model_id' | 'digest'>): NodeModel | undefined {
  return place?.models.find((model) => model.lifecycle === 'Active' && (digest === null ? model.model_id === model_id : model.digest === digest));
}

/** Whether the file lies complete in the node's staging area. */
export function isStagedOn(place: NodePlace | undefined, digest: string | null): boolean {
  return digest !== null && place?.staging?.entries.some((entry) => entry.digest === digest && entry.state === 'staged') === true;
}

/** Whether the node has done with the file all that it can: what it knows of it now is all there is. */
export function isSettledOnDisk({ status }: AssignmentView): boolean {
  return (status?.residency === 'on_disk' || status?.residency === 'staged') && status.progress === null;
}

/** Whether the node brings the file, so that nobody needs to ask again. */
export function isFetching(view: AssignmentView): boolean {
  const { assignment, status, place } = view;
  if ((assignment.wanted !== 'on_disk' && assignment.wanted !== 'staged') || place?.online !== true || status?.residency === 'failed' || status?.released === true || isSettledOnDisk(view)) return false;
  const model = modelOn(place, assignment.model);
  return model === undefined || model.facts === null;
}

/** Whether the node works on the assignment, or will as soon as it hears of it. */
export function isInProgress(view: AssignmentView): boolean {
  const { assignment, status, place } = view;
  if (assignment.wanted === 'resident') return place?.online === true && status?.residency !== 'resident' && status?.residency !== 'failed';
  return isFetching(view);
}

const STRENGTH: Readonly<Record<Tier, number>> = { demand: 0, cold: 1, warm: 2, hot: 3 };

/** The strongest of several wishes; `demand` for none. */
export function strongestTier(tiers: Iterable<Tier>): Tier {
  return [...tiers].reduce<Tier>((strongest, tier) => (STRENGTH[tier] > STRENGTH[strongest] ? tier : strongest), 'demand');
}
