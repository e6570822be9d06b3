import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A zip of stored members, as small as the format allows. */
export function zipOf(members: ReadonlyMap<string, Buffer>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of members) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(offset, 10);
    const body = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data]);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, central, Buffer.from(name)]));
    bodies.push(body);
    offset += body.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.size, 4);
  end.writeUInt16LE(members.size, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, central, Buffer.from('PK\x05\x06'), end]);
}

/** What a test wants to be different from a good wheel. */
export interface WheelChanges {
  readonly version?: string;
  /** Replaces RECORD; `null` leaves it out. */
  readonly record?: string | null;
}

/** Writes a wheel of the package `tiny-model` that pip accepts and returns its path. */
export async function aWheel(
  folder: string,
  files: Readonly<Record<string, Buffer>>,
  { version = '1.0', record }: WheelChanges = {},
): Promise<string> {
  const info = `tiny_model-${version}.dist-info`;
  const members = new Map(Object.entries(files));
  members.set(`${info}/METADATA`, Buffer.from(`Metadata-Version: 2.1\nName: tiny-model\nVersion: ${version}\n`));
  members.set(`${info}/WHEEL`, Buffer.from('Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n'));
  const lines = [...members].map(
    ([name, data]) => `${name},sha256=${createHash('sha256').update(data).digest('base64url')},${data.length}`,
  );
  if (record !== null) members.set(`${info}/RECORD`, Buffer.from(record ?? [...lines, `${info}/RECORD,,`, ''].join('\r\n')));
  const path = join(folder, `tiny_model-${version}-py3-none-any.whl`);
  await writeFile(path, zipOf(members));
  return path;
}

/** The digest of some bytes. */
export function digestOf(bytes: Buffer): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
