import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { arch, cpus, release } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../child/child-env.js';
import { replaceFile } from './replace-file.js';
import type { DeviceRef } from '../port.js';

/** What stands for the driver, where one is in use. */
const DRIVER_FILES = ['/proc/driver/nvidia/version', '/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
const DRIVER_VARIABLES = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_ADD_DRIVER_FILES', 'LD_LIBRARY_PATH'];

export interface SelfTestSubject extends DeviceRef {
  /** Such as `node-llama-cpp-3.22.1`. */
  readonly fingerprint: string;
  readonly binary: string;
  readonly env: Environment;
}

/**
 * Where it is marked that a binary works on a device of this host. A change of the engine, the binary, the kernel, the processor or the
 * driver gives another name, so that it has to be seen anew. [C-153]
 */
export function markPathOf(folder: string, { deviceKind, deviceMask, fingerprint, binary, env }: SelfTestSubject): string {
  const driver = deviceKind === 'cpu' ? [] : [...DRIVER_FILES.map(identityOf), ...DRIVER_VARIABLES.map((name) => `${name}=${env[name] ?? ''}`)];
  const identity = [fingerprint, deviceKind, deviceMask, binary, identityOf(binary), release(), arch(), cpus()[0]?.model ?? '', ...driver];
  return join(folder, `self-test-${createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32)}`);
}

export const hasMark = (path: string): boolean => existsSync(path);

/** A mark that cannot be written costs time, and nothing else. */
export function writeMark(path: string): void {
  replaceFile(path, `${new Date().toISOString()}\n`);
}

/** It is to be seen anew: the binary was trusted and did not start. */
export function removeMark(path: string): void {
  rmSync(path, { force: true });
}

/** Name, size and time of a file or of a folder's files, the text of what has no size; empty when it is not there. */
function identityOf(path: string): string {
  try {
    const { size, mtimeMs } = statSync(path);
    if (statSync(path).isDirectory()) return readdirSync(path).toSorted().map((name) => identityOf(join(path, name))).join('|');
    return size === 0 ? readFileSync(path, 'utf8') : `${path} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}
