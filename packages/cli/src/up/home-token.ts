import type { Environment } from '../cli-context.js';

/** The token that the daemons of this machine accept. */
export interface HomeToken {
  readonly value: string;
  /** How a shell command reads it; `undefined` where callers on this machine need none. */
  readonly inShell: string | undefined;
}

const VARIABLES = ['LLORCH_API_TOKEN', 'AUTH_TOKEN'];

/** The first token of the first variable that has one, else of the file. [P-32 P-03] */
export function tokenOf(env: Environment, section: Readonly<Record<string, unknown>>): HomeToken | undefined {
  const isOptional = isTrue(env['AUTH_OPTIONAL'] || section['auth_optional']);
  const variable = VARIABLES.find((name) => firstOf(env[name]) !== undefined);
  const value = variable === undefined ? fileToken(section['tokens']) : firstOf(env[variable]);
  if (value === undefined) return undefined;
  const name = variable ?? 'CORRAL_TOKEN';
  return { value, inShell: isOptional ? undefined : env[name]?.includes(',') === true ? `\${${name}%%,*}` : `$${name}` };
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && ['true', '1', 'yes', 'on'].includes(value.toLowerCase()));
}

function firstOf(list: string | undefined): string | undefined {
  return list
    ?.split(',')
    .map((token) => token.trim())
    .find((token) => token !== '');
}

function fileToken(value: unknown): string | undefined {
  return firstOf(Array.isArray(value) ? String(value[0] ?? '') : typeof value === 'string' ? value : undefined);
}
