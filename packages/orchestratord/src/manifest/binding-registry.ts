import { planReload, stepBinding, type BindingLife, type ReloadPlan } from '@corral/orchestrator-core';
import type { BindingRow } from '../store/binding-rows.js';
import type { BindingEntry } from './bindings-of.js';
import type { BindingStatus } from './reloads.js';

/** Terminated versions of one id that are kept to be looked at. [F-16] */
const TERMINATED_MAX = 2;
/** Ids of which only terminated versions are left; more are forgotten, the longest known first. */
const GONE_MAX = 10_000;

/** What a request holds of the versions that accepted it, until it ends. */
export interface RequestPin {
  /** It was given to a node; counts once. */
  dispatched(): void;
  /** It has ended, however; a second call changes nothing. */
  ended(isFailed: boolean): void;
}

/** What is counted of the requests of a version. */
export type RequestEvent = 'received' | 'dispatched' | 'failed';
type RequestListener = (bindingId: string, event: RequestEvent) => void;

/** For what no binding accepted. */
export const NO_PIN: RequestPin = { dispatched: () => undefined, ended: () => undefined };

interface Version {
  readonly entry: BindingEntry;
  readonly version: number;
  life: BindingLife;
  received: number;
  dispatched: number;
  failed: number;
}

/**
 * The one owner of binding versions: which there are, which of them accept requests, and what each has under way. A
 * version whose place was taken ends with its last request. [F-05 F-16]
 */
export class BindingRegistry {
  readonly #versions = new Map<string, Version[]>();
  readonly #active = new Map<string, Version>();
  #onRequest: RequestListener = () => undefined;

  /** What earlier runs gave out; what was active then is taken up by the first {@link activate}, the rest is over. */
  constructor(rows: readonly BindingRow[]) {
    for (const { id, kind, version, fingerprint, provider, handler } of rows) {
      this.#add({ entry: { id, kind, fingerprint, provider, handler }, version, life: { state: 'terminated', inFlight: 0 }, received: 0, dispatched: 0, failed: 0 });
    }
  }

  /** What would change if these were served from now on. */
  plan(next: readonly BindingEntry[]): ReloadPlan {
    return planReload({ current: [...this.#active.values()].map(knownOf), next, known: [...this.#versions.values()].flat().map(knownOf) });
  }

  /** The versions of a plan are known and take no requests yet. Returns the way back. */
  register(plan: ReloadPlan, next: readonly BindingEntry[]): () => void {
    const entries = new Map(next.map((entry) => [entry.id, entry]));
    const made = [...plan.added, ...plan.modified].flatMap(({ id, version }) => {
      const entry = entries.get(id);
      if (entry === undefined || this.#find(id, version) !== undefined) return [];
      const one: Version = { entry, version, life: { state: 'registering', inFlight: 0 }, received: 0, dispatched: 0, failed: 0 };
      this.#add(one);
      return [one];
    });
    return () => {
      for (const one of made) if (one.life.state === 'registering' || (one.life.state === 'terminated' && one.received === 0)) this.#drop(one);
    };
  }

  /**
   * From now on the planned versions accept, and those whose place they have do not. Synchronous, so that no request
   * sees a part of it. Returns the way back, by which a version that has accepted meanwhile drains.
   */
  activate({ added, modified, removed }: ReloadPlan): () => void {
    const retired = [...removed, ...modified.map(({ id }) => id)].flatMap((id) => this.#active.get(id) ?? []);
    const fresh = [...added, ...modified].flatMap(({ id, version }) => this.#find(id, version) ?? []);
    this.#exchange(retired, fresh);
    return () => this.#exchange(fresh, retired);
  }

  /** A request begins; ids that no active version has are left out. */
  accept(ids: readonly string[]): RequestPin {
    const held = ids.flatMap((id) => this.#active.get(id) ?? []).filter((one) => this.#step(one, 'accept'));
    if (held.length === 0) return NO_PIN;
    this.#count(held, 'received');
    let [isDispatched, hasEnded] = [false, false];
    return {
      dispatched: () => {
        if (isDispatched || hasEnded) return;
        isDispatched = true;
        this.#count(held, 'dispatched');
      },
      ended: (isFailed) => {
        if (hasEnded) return;
        hasEnded = true;
        if (isFailed) this.#count(held, 'failed');
        for (const one of held) {
          this.#step(one, 'end');
          if (one.life.state === 'terminated') this.#prune(one.entry.id);
        }
      },
    };
  }

  /** Who counts requests for longer than a version is kept; one. It must not throw. [F-46] */
  countInto(listener: RequestListener): void {
    this.#onRequest = listener;
  }

  /** The version that accepts requests of the id; `undefined` where none does. */
  activeVersion(id: string): number | undefined {
    return this.#active.get(id)?.version;
  }

  /** By id, then version. */
  statuses(): readonly BindingStatus[] {
    const all = [...this.#versions.values()].flat().map(({ entry, version, life, received, dispatched, failed }): BindingStatus => ({ ...entry, version, state: life.state, received, dispatched, failed, inFlight: life.inFlight }));
    return all.sort((a, b) => (a.id === b.id ? a.version - b.version : a.id < b.id ? -1 : 1));
  }

  /** What has to survive this process once the plan is carried out. */
  rowsAfter(plan: ReloadPlan): readonly BindingRow[] {
    const active = new Set([...plan.added, ...plan.modified].map(({ id, version }) => `${version} ${id}`));
    const staying = new Set(plan.unchanged);
    return this.#rows(({ entry, version, life }) => active.has(`${version} ${entry.id}`) || (staying.has(entry.id) && life.state === 'active'));
  }

  /** What has to survive this process as it is. */
  rows(): readonly BindingRow[] {
    return this.#rows(({ life }) => life.state === 'active');
  }

  #rows(isActive: (one: Version) => boolean): readonly BindingRow[] {
    const known = [...this.#versions.values()].flat().filter((one) => one.life.state !== 'registering' || isActive(one));
    return known.map((one): BindingRow => ({ ...one.entry, version: one.version, state: isActive(one) ? 'active' : 'terminated' }));
  }

  #count(held: readonly Version[], event: RequestEvent): void {
    for (const one of held) {
      one[event] += 1;
      this.#onRequest(one.entry.id, event);
    }
  }

  #exchange(leaving: readonly Version[], coming: readonly Version[]): void {
    for (const one of leaving) {
      this.#step(one, 'retire');
      if (this.#active.get(one.entry.id) === one) this.#active.delete(one.entry.id);
    }
    for (const one of coming) {
      this.#step(one, 'activate');
      this.#active.set(one.entry.id, one);
    }
    for (const { entry } of leaving) this.#prune(entry.id);
    this.#forgetGone();
  }

  #forgetGone(): void {
    let excess = this.#versions.size - this.#active.size - GONE_MAX;
    if (excess <= 0) return;
    for (const [id, versions] of this.#versions) {
      if (excess <= 0) return;
      if (!versions.every(({ life }) => life.state === 'terminated')) continue;
      this.#versions.delete(id);
      excess -= 1;
    }
  }

  #step(one: Version, event: Parameters<typeof stepBinding>[1]): boolean {
    const next = stepBinding(one.life, event);
    if (next !== null) one.life = next;
    return next !== null;
  }

  #find(id: string, version: number): Version | undefined {
    return this.#versions.get(id)?.find((one) => one.version === version);
  }

  #add(one: Version): void {
    const same = this.#versions.get(one.entry.id);
    if (same === undefined) this.#versions.set(one.entry.id, [one]);
    else same.push(one);
  }

  #drop(one: Version): void {
    const left = (this.#versions.get(one.entry.id) ?? []).filter((other) => other !== one);
    if (left.length === 0) this.#versions.delete(one.entry.id);
    else this.#versions.set(one.entry.id, left);
  }

  /** Of the terminated versions of an id the newest are kept. */
  #prune(id: string): void {
    const terminated = (this.#versions.get(id) ?? []).filter(({ life }) => life.state === 'terminated').sort((a, b) => b.version - a.version);
    for (const one of terminated.slice(TERMINATED_MAX)) this.#drop(one);
  }
}

function knownOf({ entry, version }: Version) {
  return { id: entry.id, version, fingerprint: entry.fingerprint };
}
