import { ApiError } from '@corral/contracts';
import { SerialQueue } from '@corral/service-kit';
import { unknownOrg } from '../access/principal.js';
import { DEFAULT_ORG, type Store } from '../store/open-store.js';
import { deleteOrg, listOrgs, putOrg, type Org } from '../store/org-rows.js';

const ORGS_MAX = 10_000;
const CHANGES_WAITING_MAX = 1_000;

/** The one owner of organisations: what the store has, held in memory. */
export class OrgRegistry {
  readonly #orgs = new Map<string, Org>();
  readonly #changes = new SerialQueue(CHANGES_WAITING_MAX);

  private constructor(private readonly store: Store) {}

  static async open(store: Store): Promise<OrgRegistry> {
    const registry = new OrgRegistry(store);
    for (const org of await listOrgs(store.db)) registry.#orgs.set(org.orgId, org);
    return registry;
  }

  /** Those that are not deleted, by id. */
  list(): readonly Org[] {
    return [...this.#orgs.values()].filter(({ deletedAtMs }) => deletedAtMs === null).toSorted((a, b) => (a.orgId < b.orgId ? -1 : 1));
  }

  readonly ids = (): readonly string[] => this.list().map(({ orgId }) => orgId);

  /** Throws 404 for an org that never was and 410 for a deleted one. */
  get(orgId: string): Org {
    const org = this.#orgs.get(orgId);
    if (org === undefined) throw unknownOrg(orgId, this.ids());
    if (org.deletedAtMs !== null) throw new ApiError('GONE', `org ${orgId} was deleted; create it again with POST /api/admin/orgs`);
    return org;
  }

  /** Throws CONFLICT for an id that is taken; a deleted one is free again. */
  create(orgId: string): Promise<Org> {
    return this.#changes.run(async () => {
      const known = this.#orgs.get(orgId);
      if (known !== undefined && known.deletedAtMs === null) throw new ApiError('CONFLICT', `org ${orgId} exists; choose another org_id`, { field: 'org_id' });
      if (this.list().length >= ORGS_MAX) throw new ApiError('CONFLICT', `there are ${ORGS_MAX} orgs; delete one that is not used`);
      const org: Org = { orgId, createdAtMs: this.store.clock.nowMs(), deletedAtMs: null };
      await putOrg(this.store.db, orgId, org.createdAtMs);
      this.#orgs.set(orgId, org);
      return org;
    });
  }

  /** `inUse` says what still belongs to the org, or null. Throws 404, 410, and CONFLICT while something does. [B-134] */
  delete(orgId: string, inUse: () => string | null): Promise<void> {
    return this.#changes.run(async () => {
      const org = this.get(orgId);
      if (orgId === DEFAULT_ORG) throw new ApiError('CONFLICT', `org ${DEFAULT_ORG} is where configured tokens and callers without a key belong; delete its instances and keys instead`);
      const left = inUse();
      if (left !== null) throw new ApiError('CONFLICT', left);
      const deletedAtMs = this.store.clock.nowMs();
      await deleteOrg(this.store.db, orgId, deletedAtMs);
      this.#orgs.set(orgId, { ...org, deletedAtMs });
    });
  }
}
