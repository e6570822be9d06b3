import { open } from 'node:fs/promises';
import type { TensorType } from './tensor-type.js';
import { tensorBytes } from './tensor-type.js';

/** A value of a GGUF header. */
export type GgufValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly texts: readonly string[] }
  | { readonly f32s: readonly number[] }
  | { readonly i32s: readonly number[] };

export interface GgufTensor {
  readonly name: string;
  /** Innermost first: a row has `dims[0]` items. */
  readonly dims: readonly number[];
  readonly type: TensorType;
  /** Values of one row. */
  row(index: number): Float64Array;
  /** The rows repeat after so many: they are worked out once. */
  readonly distinctRows?: number;
}

const ALIGNMENT = 32;
const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Writes a GGUF file of version 3, row by row. Returns its size. */
export async function writeGguf(path: string, metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Promise<number> {
  const file = await open(path, 'w');
  let written = 0;
  const write = async (bytes: Buffer): Promise<void> => {
    await file.write(bytes);
    written += bytes.length;
  };
  const pad = (): Promise<void> => write(Buffer.alloc(align(written) - written));
  try {
    await write(header(metadata, tensors));
    await pad();
    for (const tensor of tensors) {
      const rows = tensor.dims.slice(1).reduce((product, dim) => product * dim, 1);
      const group = tensor.distinctRows ?? 256;
      const encode = (first: number): Buffer => Buffer.concat(Array.from({ length: Math.min(group, rows - first) }, (_, n) => tensor.type.encode(tensor.row(first + n))));
      const repeated = tensor.distinctRows === undefined ? null : encode(0);
      const rowBytes = tensorBytes(tensor.type, tensor.dims[0] ?? 1);
      for (let first = 0; first < rows; first += group) await write(repeated?.subarray(0, (rows - first) * rowBytes) ?? encode(first));
      await pad();
    }
    return written;
  } finally {
    await file.close();
  }
}

function header(metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Buffer {
  let offset = 0;
  const infos = tensors.map(({ name, dims, type }) => {
    const info = Buffer.concat([text(name), u32(dims.length), ...dims.map(u64), u32(type.id), u64(offset)]);
    offset += align(tensorBytes(type, dims.reduce((product, dim) => product * dim, 1)));
    return info;
  });
  const entries = Object.entries(metadata).map(([key, value]) => Buffer.concat([text(key), encodeValue(value)]));
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(entries.length), ...entries, ...infos]);
}

function encodeValue(value: GgufValue): Buffer {
  if ('u32' in value) return Buffer.concat([u32(4), u32(value.u32)]);
  if ('f32' in value) return Buffer.concat([u32(6), f32(value.f32)]);
  if ('bool' in value) return Buffer.concat([u32(7), Buffer.of(value.bool ? 1 : 0)]);
  if ('text' in value) return Buffer.concat([u32(8), text(value.text)]);
  if ('texts' in value) return Buffer.concat([u32(9), u32(8), u64(value.texts.length), ...value.texts.map(text)]);
  if ('f32s' in value) return Buffer.concat([u32(9), u32(6), u64(value.f32s.length), ...value.f32s.map(f32)]);
  return Buffer.concat([u32(9), u32(5), u64(value.i32s.length), Buffer.from(Int32Array.from(value.i32s).buffer)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}
