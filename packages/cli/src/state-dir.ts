import { join, resolve } from 'node:path';
import type { CliContext } from './cli-context.js';

/** The state directory that the daemons use with the same flag and environment. */
export function stateDirOf({ env, homeDir, workDir }: Pick<CliContext, 'env' | 'homeDir' | 'workDir'>, flag?: string): string {
  const named = flag ?? filled(env['CORRAL_STATE_DIR']);
  if (named !== undefined) return resolve(workDir, named);
  const stateHome = filled(env['XDG_STATE_HOME']);
  return stateHome === undefined ? join(homeDir, '.local/state/corral') : join(stateHome, 'corral');
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
