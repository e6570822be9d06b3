import type { PoolRoom } from './pool-room.js';
import { heldBytes, holdsMemory } from './replica.js';
import type { Replica } from './replica.js';

/** What may be parked in a pool. */
export interface ParkingRules {
  /** Keys of the shapes that an assignment wants kept near, without wanting them resident. */
  readonly keys: ReadonlySet<string>;
  readonly maxParked: number;
  /** The staging area lacks room for something that is wanted there, and what is parked holds some of it. */
  readonly isStagingShort: boolean;
}

export interface ParkingInput {
  readonly pool: PoolRoom;
  /** Of this pool. */
  readonly replicas: readonly Replica[];
  readonly parking: ParkingRules;
}

/**
 * Whether a replica that has drained is parked instead of ended. `head` is what waits for a load: where that would not fit beside a
 * parked one, parking would only cost time. [C-250 C-252]
 */
export function mayPark(replica: Replica, head: Replica | undefined, { pool, replicas, parking }: ParkingInput): boolean {
  const { key, parkBytes } = replica;
  if (parkBytes === null || !pool.isOpen || parking.maxParked === 0 || parking.isStagingShort || !parking.keys.has(key)) return false;
  if (head === undefined) return true;
  const others = replicas.filter((other) => other !== replica && other !== head && holdsMemory(other) && other.phase.state !== 'parked' && !isLeaving(other));
  return others.reduce((sum, other) => sum + heldBytes(other), head.memoryBytes + parkBytes) <= pool.memoryTotalBytes;
}

/** Whether a parked replica that nobody wants resident leaves: the pool is closed, its model is not kept near any longer, or too much is parked, of which the oldest leaves. */
export function parkedToEnd(replica: Replica, { pool, replicas, parking }: ParkingInput): boolean {
  if (!pool.isOpen || !parking.keys.has(replica.key)) return true;
  const parked = replicas.filter(({ phase }) => phase.state === 'parked').toSorted(byAge);
  const usedBytes = replicas.reduce((sum, other) => sum + heldBytes(other), 0);
  const isTooMuch = parking.isStagingShort || parked.length > parking.maxParked || usedBytes > pool.memoryTotalBytes;
  return isTooMuch && parked[0] === replica;
}

/**
 * The parked replica that leaves so that a load fits: the oldest, and only where that helps. `null` where none has to, or none would.
 * `fits` says whether the load fits beside these. [C-252]
 */
export function parkedFor(head: Replica, { replicas }: ParkingInput, fits: (beside: readonly Replica[]) => boolean): Replica | null {
  const staying = replicas.filter((other) => other !== head && holdsMemory(other) && !isLeaving(other));
  const parked = staying.filter(({ phase }) => phase.state === 'parked').toSorted(byAge);
  if (parked.length === 0 || fits(staying) || !fits(staying.filter(({ phase }) => phase.state !== 'parked'))) return null;
  return parked[0] ?? null;
}

function isLeaving({ phase }: Replica): boolean {
  return phase.state === 'draining' || phase.state === 'parking' || phase.state === 'stopping';
}

function byAge(a: Replica, b: Replica): number {
  return a.phase.sinceMs - b.phase.sinceMs || (a.replicaId < b.replicaId ? -1 : 1);
}
