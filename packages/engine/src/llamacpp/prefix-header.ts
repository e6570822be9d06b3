import { createHash } from 'node:crypto';

/** Everything that decides whether the state of a prefix may be read back: what differs in any of it is not used. [C-244] */
export interface PrefixIdentity {
  /** Digest of the weights. */
  readonly digest: string;
  /** Such as `node-llama-cpp-3.22.1`. */
  readonly engine: string;
  /** Kind of the device and what does the arithmetic there. */
  readonly device: string;
  /** Tokens per slot. */
  readonly contextTokens: number;
  readonly slots: number;
  readonly batchTokens: number;
  readonly chunkTokens: number;
  readonly threads: number;
  /** Types of the cache of keys and of values, by the engine's numbers. */
  readonly cacheTypes: string;
  readonly flashAttention: string;
}

/** What stands beside the state of one prefix. */
export interface PrefixHeader {
  readonly identity: PrefixIdentity;
  /** The sequence that it was saved from, and goes back to. */
  readonly slot: number;
  /** Hash of the `prefix_scope`. [C-245] */
  readonly scope: string;
  readonly tokens: readonly number[];
  /** Of the state's file, in the same folder. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export type DecodedHeader = { readonly kind: 'header'; readonly header: PrefixHeader } | { readonly kind: 'unusable'; readonly reason: string };

const FORMAT = 1;
const FILE = /^slot-\d{1,3}-[0-9a-f]{16}\.kv$/;

/** Nothing of an org can be read from it. */
export function scopeHash(scope: string): string {
  return createHash('sha256').update(`corral prefix scope\n${scope}`).digest('hex');
}

/** Two lines: a checksum of the second, and JSON. */
export function encodePrefixHeader(header: PrefixHeader): string {
  const body = JSON.stringify({ format: FORMAT, ...header });
  return `${sha256Of(body)}\n${body}\n`;
}

/** Reads a header back and compares it with what the replica is. */
export function decodePrefixHeader(text: string, identity: PrefixIdentity): DecodedHeader {
  const [checksum = '', body = ''] = text.split('\n');
  if (checksum !== sha256Of(body)) return { kind: 'unusable', reason: 'its header is not whole' };
  const { format, ...header } = JSON.parse(body) as PrefixHeader & { readonly format: number };
  if (format !== FORMAT) return { kind: 'unusable', reason: `it has format ${format}` };
  const differing = (Object.keys(identity) as (keyof PrefixIdentity)[]).filter((name) => header.identity[name] !== identity[name]);
  if (differing.length > 0) return { kind: 'unusable', reason: `it was saved with another ${differing.map((name) => `${name} (${header.identity[name]})`).join(', ')}` };
  return isInRange(header) ? { kind: 'header', header } : { kind: 'unusable', reason: 'its header makes no sense' };
}

function isInRange({ slot, tokens, file, identity }: PrefixHeader): boolean {
  return FILE.test(file) && Number.isInteger(slot) && slot >= 0 && slot < identity.slots && tokens.length > 0 && tokens.length <= identity.contextTokens && tokens.every((token) => Number.isInteger(token) && token >= 0);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
