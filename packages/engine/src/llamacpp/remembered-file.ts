import { createHash } from 'node:crypto';
import type { DeviceKind } from '@corral/contracts';
import type { GgufFileInfo } from 'node-llama-cpp';
import type { ContextFit } from './fit-memory.js';

/** Memory that a load takes: `gpuVram` on the device, `cpuRam` on the host. */
export interface Requirement {
  readonly cpuRam: number;
  readonly gpuVram: number;
}

/** Of which file, engine and device something is remembered. */
export interface RememberedKey {
  /** Such as `node-llama-cpp-3.22.1`. */
  readonly fingerprint: string;
  readonly digest: string;
  readonly deviceKind: DeviceKind;
  /** Size of the batches of the loads that it is for. */
  readonly batchTokens: number;
  readonly sizeBytes: number;
}

/** What a load needs to know of a file that was read before. */
export interface RememberedFile {
  readonly key: RememberedKey;
  /** What the engine's parser gave, without what nobody asks for. */
  readonly info: GgufFileInfo;
  /** All layers of the device kind: estimates hold for no other number. */
  readonly gpuLayers: number;
  readonly weights: { readonly mapped: Requirement; readonly copied: Requirement };
  /** For batches of at most `batchTokens`; never below what the engine's estimator says for the usual sizes. */
  readonly context: { readonly batchTokens: number; readonly cpuRam: ContextFit; readonly gpuVram: ContextFit };
}

const FORMAT = 1;

/** Two lines of JSON: what it is of, with a checksum, and what is remembered. */
export function encodeRemembered({ key, ...rest }: RememberedFile): string {
  const body = JSON.stringify(rest, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
  return `${headOf(key, body)}\n${body}\n`;
}

/** `null` when it is of something else, or not whole. */
export function decodeRemembered(text: string, key: RememberedKey): RememberedFile | null {
  const [head = '', body = ''] = text.split('\n');
  try {
    return head === headOf(key, body) ? { key, ...(JSON.parse(body) as Omit<RememberedFile, 'key'>) } : null;
  } catch {
    return null;
  }
}

function headOf({ fingerprint, digest, deviceKind, batchTokens, sizeBytes }: RememberedKey, body: string): string {
  return JSON.stringify({ format: FORMAT, fingerprint, digest, deviceKind, batchTokens, sizeBytes, checksum: createHash('sha256').update(body).digest('hex') });
}
