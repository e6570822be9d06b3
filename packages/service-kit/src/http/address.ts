import { isIPv4, isIPv6 } from 'node:net';
import type { ConfigProblem } from '../config/config-error.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8080`, `localhost:0`, `[::1]:9200`; `undefined` when it is none of these. */
export function parseAddress(text: string): Address | undefined {
  const [, v6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  if (host === undefined || port > 65_535 || (v6 !== undefined && !isIPv6(v6))) return undefined;
  return { host, port };
}

/** `host:port` with the brackets that IPv6 needs. */
export function formatAddress({ host, port }: Address): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Whether a name or address means this machine alone. */
export function isLoopbackHost(host: string): boolean {
  const plain = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:/, '')
    .replace(/\.$/, '');
  if (isIPv4(plain)) return plain.startsWith('127.');
  return plain === '::1' || plain === 'localhost' || plain.endsWith('.localhost');
}

export interface BindRule {
  readonly host: string;
  readonly tokens: readonly string[];
  /** Dotted name of the setting that holds the address. */
  readonly field: string;
  /** Variable that sets a token. */
  readonly tokenVariable: string;
  readonly addressVariable: string;
}

/** The reason to refuse a start: others could reach a server that asks nobody who they are. [P-31] */
export function openBindProblem({ host, tokens, field, tokenVariable, addressVariable }: BindRule): ConfigProblem | undefined {
  if (tokens.length > 0 || isLoopbackHost(host)) return undefined;
  return {
    field,
    message: `${host} can be reached from other machines and no token is set; set ${tokenVariable}, or bind ${addressVariable} to 127.0.0.1`,
  };
}
