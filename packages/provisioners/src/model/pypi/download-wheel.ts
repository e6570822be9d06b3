import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@corral/service-kit';
import { diskFullIn } from '../disk-space.js';
import { ProvisionError } from '../provision-error.js';
import { announcedBytes, explainPip } from './explain-pip.js';
import { findPip } from './find-pip.js';
import { runProgram } from '../../programs/run-program.js';

/** What a download of a wheel needs. */
export interface WheelDownload {
  /** `NAME==VERSION`. */
  readonly requirement: string;
  /** An empty folder; everything that pip writes lands in it. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Bytes so far, and in all as pip announces them. */
  readonly onBytes: (bytes: number, totalBytes: number | null) => void;
}

const POLL_MS = 250;
/** pip gives up on a dead connection by itself within minutes; this is for a pip that does not. */
const STALL_MS = 600_000;

/**
 * Downloads one wheel with the user's pip and returns its path. pip decides where from: indexes, mirrors,
 * proxies, certificates and credentials are the user's own configuration.
 *
 * Source packages are refused, since building one runs its code. [D-22]
 */
export async function downloadWheel(download: WheelDownload): Promise<string> {
  const { requirement, folder, env, clock, signal, onBytes } = download;
  const [temporary, target] = [join(folder, 'pip'), join(folder, 'wheel')];
  await Promise.all([mkdir(temporary), mkdir(target)]);
  // pip writes its unfinished files to TMPDIR: ours is on the right disk, can be watched, and is removed whatever happens to pip.
  const options = { env: { ...env, TMPDIR: temporary }, cwd: folder, clock, signal };
  const pip = await findPip(options);
  const stalled = new AbortController();
  const ended = new AbortController();
  let totalBytes: number | null = null;
  const watching = watch();
  try {
    const end = await runProgram(
      [
        ...pip,
        'download',
        '--no-deps',
        '--only-binary=:all:',
        '--no-input',
        '--disable-pip-version-check',
        '--progress-bar=off',
        '-d',
        target,
        requirement,
      ],
      {
        ...options,
        signal: AbortSignal.any([signal, stalled.signal]),
        onStdout: (text) => {
          totalBytes = announcedBytes(text) ?? totalBytes;
        },
      },
    );
    if (end.code !== 0) throw await failed(requirement, end.code, end.stderr, folder);
    return await onlyWheel(target, requirement);
  } finally {
    ended.abort();
    await watching;
  }

  async function watch(): Promise<void> {
    let bytes = 0;
    let grewAtMs = clock.monotonicMs();
    while (!ended.signal.aborted) {
      await clock.sleep(POLL_MS, ended.signal).catch(() => undefined);
      const nowBytes = Math.max(await largestWheel(temporary), await largestWheel(target));
      if (nowBytes > bytes) {
        bytes = nowBytes;
        grewAtMs = clock.monotonicMs();
        onBytes(bytes, totalBytes === null ? null : Math.max(totalBytes, bytes));
      } else if (clock.monotonicMs() - grewAtMs > STALL_MS) {
        const minutes = STALL_MS / 60_000;
        stalled.abort(
          new ProvisionError(
            'UNREACHABLE',
            `pip has brought nothing of ${requirement} for ${minutes} minutes; check the network and PIP_INDEX_URL`,
          ),
        );
      }
    }
  }
}

async function failed(requirement: string, code: number | null, stderr: string, folder: string): Promise<ProvisionError> {
  const failure = explainPip(requirement, code, stderr);
  return failure.code === 'DISK_FULL' ? diskFullIn(folder) : new ProvisionError(failure.code, failure.message);
}

async function onlyWheel(folder: string, requirement: string): Promise<string> {
  const wheels = (await readdir(folder)).filter((name) => name.endsWith('.whl'));
  const [wheel] = wheels;
  if (wheel === undefined || wheels.length > 1) {
    throw new ProvisionError(
      'FETCH_FAILED',
      `pip left ${wheels.length} wheels for ${requirement} instead of one; try "pip download --no-deps ${requirement}" by hand`,
    );
  }
  return join(folder, wheel);
}

/** Size of the largest wheel anywhere under `folder`; files may come and go meanwhile. */
async function largestWheel(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = entries
    .filter((name) => name.endsWith('.whl'))
    .map(async (name) => (await stat(join(folder, name)).catch(() => null))?.size ?? 0);
  return Math.max(0, ...(await Promise.all(sizes)));
}
