import type { Instance, InstanceEvent, PoolStats } from '@corral/contracts';
import { eventually } from '@corral/test-kit';
import { as, keyOf, type Answer } from '../access/keys.js';

/** A machine that several suites share loads a small model within this. */
const LOADED_WITHIN_MS = 180_000;

/** One organisation as its administrator uses it. */
export interface Org {
  readonly key: string;
  /** `POST load`, `GET events`, or `GET ` for the record, of one instance. */
  of(instanceId: string, call: string, body?: unknown): Promise<Answer>;
  /** The same, again while a broker takes longer than the server waits for it. */
  told(instanceId: string, call: string, body?: unknown): Promise<Answer>;
  create(body: object): Promise<Instance>;
  get(instanceId: string): Promise<Instance>;
  events(instanceId: string): Promise<readonly InstanceEvent[]>;
  chat(instanceId: string, extra?: object): Promise<Answer>;
  /** Waits until the instance is so. */
  until(instanceId: string, what: Partial<Instance>): Promise<Instance>;
  /** Posts a load, and waits until the instance is ready. */
  loaded(instanceId: string, tier?: string): Promise<Instance>;
}

/** A system admin and the administrators of these orgs, which are created. */
export async function orgsOf(url: string, ...names: readonly string[]): Promise<{ readonly admin: string; readonly orgs: readonly Org[] }> {
  const { key: admin } = await keyOf(null, url, { org_id: 'default', role: 'system_admin' });
  const orgs: Org[] = [];
  for (const org_id of names) {
    const made = await as(admin, url, 'POST /api/admin/orgs', { org_id });
    if (made.status !== 201) throw new Error(`org ${org_id}: ${made.status} ${made.text}`);
    orgs.push(orgOf(url, org_id, (await keyOf(admin, url, { org_id, role: 'org_admin' })).key));
  }
  return { admin, orgs };
}

export async function statsOf(url: string, admin: string): Promise<PoolStats> {
  return (await as(admin, url, 'GET /api/admin/pool/stats')).body as PoolStats;
}

function orgOf(url: string, orgId: string, key: string): Org {
  const of: Org['of'] = (instanceId, call, body) => {
    const [method = '', what = ''] = call.split(' ');
    return as(key, url, `${method} /api/orgs/${orgId}/instances/${instanceId}${what === '' ? '' : `/${what}`}`, body);
  };
  const told: Org['told'] = (instanceId, call, body) =>
    eventually('the broker takes it', LOADED_WITHIN_MS, async () => {
      const answer = await of(instanceId, call, body);
      return answer.code !== 'EVENT_BUS_UNAVAILABLE' && answer;
    });
  const get = async (instanceId: string): Promise<Instance> => (await of(instanceId, 'GET')).body as Instance;
  const until: Org['until'] = async (instanceId, what) => {
    let seen: Instance | undefined;
    const found = eventually(`${orgId}/${instanceId} is ${JSON.stringify(what)}`, LOADED_WITHIN_MS, async () => {
      seen = await get(instanceId);
      return Object.entries(what).every(([name, value]) => seen?.[name as keyof Instance] === value) ? seen : undefined;
    });
    return found.catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${JSON.stringify(seen)}`);
    });
  };
  return {
    key,
    of,
    get,
    until,
    create: async (body) => {
      const made = await as(key, url, `POST /api/orgs/${orgId}/instances`, body);
      if (made.status !== 201) throw new Error(`not created: ${made.status} ${made.text}`);
      return made.body as Instance;
    },
    events: async (instanceId) => (await of(instanceId, 'GET events')).body.data as InstanceEvent[],
    chat: (instanceId, extra = {}) => as(key, url, `POST /api/orgs/${orgId}/chat/completion`, { instance_id: instanceId, message: 'Hi', stream: false, ...extra }),
    told,
    loaded: async (instanceId, tier) => {
      const answer = await told(instanceId, 'POST load', tier === undefined ? undefined : { tier });
      if (answer.status !== 202) throw new Error(`not loaded: ${answer.status} ${answer.text}`);
      return until(instanceId, { is_ready: true });
    },
  };
}
