import { open } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;

/** One file out of a zip archive of less than 4 GiB. Throws when it is not there. */
export async function unzipEntry(archive: string, name: string): Promise<Buffer> {
  const file = await open(archive, 'r');
  try {
    const { size } = await file.stat();
    const read = async (start: number, length: number): Promise<Buffer> => (await file.read(Buffer.alloc(length), 0, length, start)).buffer;
    const tailStart = Math.max(0, size - 66_000);
    const tail = await read(tailStart, size - tailStart);
    const end = tail.lastIndexOf(bytesOf(END_OF_DIRECTORY));
    if (end === -1) throw new Error(`${archive} is no zip archive`);
    const directory = await read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
    const entry = findEntry(directory, name);
    if (entry === null) throw new Error(`${archive} has no ${name}`);
    const local = await read(entry.offset, 30);
    const data = await read(entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28), entry.packedBytes);
    return entry.method === 0 ? data : inflateRawSync(data);
  } finally {
    await file.close();
  }
}

function findEntry(directory: Buffer, name: string): { readonly offset: number; readonly packedBytes: number; readonly method: number } | null {
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === DIRECTORY_ENTRY; ) {
    const nameBytes = directory.readUInt16LE(at + 28);
    if (directory.toString('utf8', at + 46, at + 46 + nameBytes) === name) {
      return { offset: directory.readUInt32LE(at + 42), packedBytes: directory.readUInt32LE(at + 20), method: directory.readUInt16LE(at + 10) };
    }
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return null;
}

function bytesOf(signature: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(signature);
  return bytes;
}
