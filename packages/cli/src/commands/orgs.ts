import { OrgList, OrgRecord, validator } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { allPages } from '../client/all-pages.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

const checkOrgs = validator(OrgList);
const checkOrg = validator(OrgRecord);

/** `corral orgs ls`. */
export async function orgsLs(context: CliContext, globals: Globals): Promise<void> {
  const list = await withClient(context, globals, (client) => allPages<OrgRecord>(client, '/api/admin/orgs', checkOrgs));
  if (globals.json) return printJson(context, list);
  const rows = list.map(({ org_id, created_at }) => [context.colors.bold(org_id), created_at]);
  context.out.write(`${renderTable(['org', 'created'], rows, context.colors)}\n`);
}

/** `corral orgs create ORG`. */
export async function orgsCreate(context: CliContext, globals: Globals, orgId: string): Promise<void> {
  const org = await withClient(context, globals, (client) => client.post('/api/admin/orgs', { org_id: orgId }, checkOrg));
  if (globals.json) printJson(context, org);
  else context.out.write(`created org ${org.org_id}; corral keys create --org ${org.org_id} makes a key for it\n`);
}
