import { InstanceCreate, InstancePatch, LoadRequest, validator, type Instance, type InstanceEventList, type InstanceList, type LoadAccepted, type UnloadAccepted } from '@corral/contracts';
import { body, correlationOf, optionalBody } from '@corral/service-kit';
import type { Express, Request, Response } from 'express';
import { requireOrg } from '../access/principal.js';
import type { Audit } from '../audit/audit.js';
import { audited } from '../audit/audited.js';
import { versionOf } from '../instances/instance-changes.js';
import type { InstanceHistory } from '../instances/instance-history.js';
import { happeningView, instanceView } from '../instances/instance-view.js';
import type { ChangeCall, Instances } from '../instances/instances.js';
import type { InstanceKey, InstanceRecord } from '../store/instance-rows.js';
import { badCursor, knownQuery, pageIn, pageOf } from './page.js';

export interface InstanceRoutesParts {
  readonly instances: Instances;
  readonly history: Pick<InstanceHistory, 'list'>;
  readonly audit: Audit;
}

const instanceCreate = validator(InstanceCreate);
const instancePatch = validator(InstancePatch);
const loadRequest = validator(LoadRequest);

const ALL = '/api/orgs/:org_id/instances';
const ONE = `${ALL}/:instance_id`;

/** The instances of an org: what they are, what they do, and their load and unload. [B-38 B-39] */
export function instanceRoutes(app: Express, parts: InstanceRoutesParts): void {
  const { instances } = parts;
  const show = (res: Response, record: InstanceRecord): Instance => {
    res.setHeader('ETag', versionOf(record));
    return instanceView(record, instances.stateOf(record));
  };

  app.get(ALL, (req, res) => {
    requireOrg(req, req.params.org_id, 'org_admin');
    knownQuery(req, ['limit', 'cursor']);
    const { items, nextCursor } = pageIn(instances.list(req.params.org_id), ({ instanceId }) => instanceId, pageOf(req));
    res.json({ data: items.map((record) => instanceView(record, instances.stateOf(record))), next_cursor: nextCursor } satisfies InstanceList);
  });

  app.post(ALL, async (req, res) => {
    const { org_id: orgId } = req.params;
    const record = await audited(parts.audit, req, { action: 'create', source: 'api_instances', ...namedIn(req) }, () => {
      requireOrg(req, orgId, 'org_admin');
      return instances.create(orgId, body(instanceCreate, req), callOf(req));
    });
    res.status(201).location(`/api/orgs/${orgId}/instances/${record.instanceId}`).json(show(res, record));
  });

  app.get(ONE, async (req, res) => {
    requireOrg(req, req.params.org_id, 'org_admin');
    res.json(show(res, await instances.known(keyOf(req.params))));
  });

  app.patch(ONE, async (req, res) => {
    const key = keyOf(req.params);
    const record = await audited(parts.audit, req, { action: 'update', source: 'api_instances', instanceId: key.instanceId }, () => {
      requireOrg(req, key.orgId, 'org_admin');
      return instances.patch(key, body(instancePatch, req), callOf(req));
    });
    res.json(show(res, record));
  });

  app.delete(ONE, async (req, res) => {
    const key = keyOf(req.params);
    await audited(parts.audit, req, { action: 'delete', source: 'api_instances', instanceId: key.instanceId }, () => {
      requireOrg(req, key.orgId, 'org_admin');
      return instances.remove(key, callOf(req));
    });
    res.status(204).end();
  });

  lifecycleRoutes(app, parts);
}

function lifecycleRoutes(app: Express, { instances, history, audit }: InstanceRoutesParts): void {
  app.post(`${ONE}/load`, async (req, res) => {
    const key = keyOf(req.params);
    const tier = await audited(audit, req, { action: 'load', source: 'api_load', instanceId: key.instanceId }, () => {
      requireOrg(req, key.orgId, 'org_admin');
      return instances.load(key, optionalBody(loadRequest, req).tier, callOf(req));
    });
    res.status(202).json({ message: 'Load event published', instance_id: key.instanceId, tier } satisfies LoadAccepted);
  });

  app.post(`${ONE}/unload`, async (req, res) => {
    const key = keyOf(req.params);
    await audited(audit, req, { action: 'unload', source: 'api_unload', instanceId: key.instanceId }, () => {
      requireOrg(req, key.orgId, 'org_admin');
      return instances.unload(key, callOf(req));
    });
    res.status(202).json({ message: 'Unload event published', instance_id: key.instanceId } satisfies UnloadAccepted);
  });

  app.get(`${ONE}/events`, async (req, res) => {
    const key = keyOf(req.params);
    requireOrg(req, key.orgId, 'org_admin');
    await instances.known(key);
    knownQuery(req, ['limit', 'cursor']);
    const { limit, cursor } = pageOf(req);
    if (cursor !== null && !/^\d{1,15}$/.test(cursor)) throw badCursor();
    const page = await history.list(key, { limit: limit + 1, beforeId: cursor === null ? null : Number(cursor) });
    const shown = page.slice(0, limit);
    res.json({ data: shown.map(happeningView), next_cursor: page.length > limit ? String(shown.at(-1)?.id) : null } satisfies InstanceEventList);
  });
}

function keyOf({ org_id, instance_id }: { readonly org_id: string; readonly instance_id: string }): InstanceKey {
  return { orgId: org_id, instanceId: instance_id };
}

function callOf(req: Request): ChangeCall {
  return { correlationId: correlationOf(req), ifMatch: req.get('If-Match') };
}

/** The id that a create names, before anybody has checked it: an audit entry of a refusal says what was asked for. */
function namedIn(req: Request): { readonly instanceId?: string } {
  const value = optionalBody((input) => ({ ok: true, value: input }) as const, req);
  const id = typeof value === 'object' && value !== null && 'instance_id' in value ? value.instance_id : null;
  return typeof id === 'string' ? { instanceId: id.slice(0, 128) } : {};
}
