import { access, constants, stat } from 'node:fs/promises';
import { messageOf } from '@corral/service-kit';
import type { Fetcher } from './fetcher.js';
import { ProvisionError } from './provision-error.js';

/** Uses a file where it lies. Nothing is copied, moved or, later, deleted. [D-20] */
export const fetchFile: Fetcher<'file'> = async ({ path }) => {
  try {
    const found = await stat(path);
    if (!found.isFile())
      throw new ProvisionError('NOT_FOUND', `${path} is a ${found.isDirectory() ? 'directory' : 'special file'}; name one GGUF file`);
    await access(path, constants.R_OK);
  } catch (error) {
    if (error instanceof ProvisionError) throw error;
    throw new ProvisionError(
      'NOT_FOUND',
      `${path} cannot be read: ${messageOf(error)}; put the file there and let this user read it, or correct the source`,
      { cause: error },
    );
  }
  return { path, placement: 'in_place', promised: null, fetchedBytes: 0 };
};
