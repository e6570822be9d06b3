import { CreatedKey, KeyList, KeyRecord, validator, type Role } from '@corral/contracts';
import type { Colors } from 'picocolors/types.js';
import { wrongUse } from '../cli-failure.js';
import type { CliContext } from '../cli-context.js';
import { allPages } from '../client/all-pages.js';
import { NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

const checkKeys = validator(KeyList);
const checkKey = validator(KeyRecord);
const checkCreated = validator(CreatedKey);
const DAY_MS = 86_400_000;
const DAYS_MAX = 36_500;

export interface KeysLsOptions extends Globals {
  readonly org?: string;
}

export interface KeysCreateOptions extends Globals {
  readonly org: string;
  readonly role: Role;
  readonly name?: string;
  readonly days?: string;
  readonly models?: string;
  readonly rate?: string;
}

/** `corral keys ls`. */
export async function keysLs(context: CliContext, options: KeysLsOptions): Promise<void> {
  const path = options.org === undefined ? '/api/admin/keys' : `/api/admin/keys?org_id=${encodeURIComponent(options.org)}`;
  const list = await withClient(context, options, (client) => allPages<KeyRecord>(client, path, checkKeys));
  if (options.json) printJson(context, list);
  else context.out.write(`${renderKeys(list, context.clock.nowMs(), context.colors)}\n`);
}

export function renderKeys(list: readonly KeyRecord[], nowMs: number, colors: Colors): string {
  if (list.length === 0) return 'no keys: every caller on this machine is its administrator; corral keys create --role system_admin makes the first';
  const rows = list.map((key) => [
    key.key_id,
    key.org_id,
    key.role,
    stateOf(key, nowMs, colors),
    key.name || NOTHING,
    key.expires_at ?? NOTHING,
    key.allowed_models?.join(' ') ?? 'all',
    key.requests_per_minute === null ? NOTHING : `${key.requests_per_minute}/min`,
  ]);
  return renderTable(['key', 'org', 'role', 'state', 'name', 'expires', 'models', 'rate'], rows, colors);
}

function stateOf({ revoked_at: revokedAt, expires_at: expiresAt }: KeyRecord, nowMs: number, colors: Colors): string {
  if (revokedAt !== null) return colors.red('revoked');
  return expiresAt !== null && Date.parse(expiresAt) <= nowMs ? colors.red('expired') : colors.green('good');
}

/** `corral keys create`: the text alone on standard output, so that a script can keep it in a variable. */
export async function keysCreate(context: CliContext, options: KeysCreateOptions): Promise<void> {
  const { org, role, name, models } = options;
  const days = numberOf('--days', options.days, DAYS_MAX);
  const rate = numberOf('--rate', options.rate, 1_000_000);
  const created = await withClient(context, options, (client) =>
    client.post(
      '/api/admin/keys',
      {
        org_id: org,
        role,
        ...(name === undefined ? {} : { name }),
        ...(days === undefined ? {} : { expires_at: new Date(context.clock.nowMs() + days * DAY_MS).toISOString() }),
        ...(models === undefined ? {} : { allowed_models: models.split(',').map((one) => one.trim()) }),
        ...(rate === undefined ? {} : { requests_per_minute: rate }),
      },
      checkCreated,
    ),
  );
  if (options.json) return printJson(context, created);
  context.err.write(`key ${created.key_id} of org ${created.org_id}, role ${created.role}; it is shown this once:\n`);
  context.out.write(`${created.key}\n`);
}

/** `corral keys revoke KEY`. */
export async function keysRevoke(context: CliContext, globals: Globals, keyId: string): Promise<void> {
  if (keyId.startsWith('ck_')) throw wrongUse('that is the text of a key, not its id', 'give the id: the part between ck_ and the next _, or what corral keys ls shows');
  const path = `/api/admin/keys/${encodeURIComponent(keyId)}`;
  const key = await withClient(context, globals, async (client) => {
    await client.remove(path);
    return globals.json ? client.get(path, checkKey) : undefined;
  });
  if (key === undefined) context.out.write(`revoked ${keyId}: it is refused from now on\n`);
  else printJson(context, key);
}

function numberOf(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw wrongUse(`${flag} ${text} is out of range`, `give ${flag} as a whole number from 1 to ${most}`);
}
