/** How numbers lie in a tensor: `blockBytes` per `blockItems` of them. */
export interface TensorType {
  readonly id: number;
  /** `general.file_type` of a file that is mostly of this type. */
  readonly fileType: number;
  readonly blockItems: number;
  readonly blockBytes: number;
  encode(values: Float64Array): Buffer;
}

export type TensorTypeName = 'F32' | 'F16' | 'Q8_0' | 'Q4_0';

export const TENSOR_TYPES: Readonly<Record<TensorTypeName, TensorType>> = {
  F32: { id: 0, fileType: 0, blockItems: 1, blockBytes: 4, encode: (values) => Buffer.from(Float32Array.from(values).buffer) },
  F16: { id: 1, fileType: 1, blockItems: 1, blockBytes: 2, encode: (values) => Buffer.from(Uint16Array.from(values, halfBits).buffer) },
  Q4_0: { id: 2, fileType: 2, blockItems: 32, blockBytes: 18, encode: (values) => encodeBlocks(values, 18, writeQ40) },
  Q8_0: { id: 8, fileType: 7, blockItems: 32, blockBytes: 34, encode: (values) => encodeBlocks(values, 34, writeQ80) },
};

export function tensorBytes(type: TensorType, items: number): number {
  return (items / type.blockItems) * type.blockBytes;
}

function encodeBlocks(values: Float64Array, blockBytes: number, write: (block: Float64Array, out: Buffer) => void): Buffer {
  const blocks = values.length / 32;
  const out = Buffer.alloc(blocks * blockBytes);
  for (let n = 0; n < blocks; n += 1) write(values.subarray(n * 32, n * 32 + 32), out.subarray(n * blockBytes, (n + 1) * blockBytes));
  return out;
}

function largest(block: Float64Array): number {
  return block.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

function writeQ80(block: Float64Array, out: Buffer): void {
  const unit = largest(block) / 127;
  out.writeUInt16LE(halfBits(unit), 0);
  block.forEach((value, n) => out.writeInt8(unit === 0 ? 0 : clamp(Math.round(value / unit), -127, 127), 2 + n));
}

function writeQ40(block: Float64Array, out: Buffer): void {
  const unit = largest(block) / 7;
  out.writeUInt16LE(halfBits(unit), 0);
  const quant = (n: number): number => clamp((unit === 0 ? 0 : Math.round((block[n] ?? 0) / unit)) + 8, 0, 15);
  for (let n = 0; n < 16; n += 1) out[2 + n] = quant(n) | (quant(n + 16) << 4);
}

const clamp = (value: number, min: number, max: number): number => Math.max(min, Math.min(max, value));

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of the nearest 16-bit float. */
function halfBits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 112;
  const mantissa = bits & 0x7f_ffff;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent > 0) return sign | (((exponent << 10) | (mantissa >> 13)) + ((mantissa >> 12) & 1));
  if (exponent < -10) return sign;
  const full = mantissa | 0x80_0000;
  return sign | ((full >> (14 - exponent)) + ((full >> (13 - exponent)) & 1));
}
