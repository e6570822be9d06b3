import type { ManifestStatus } from '@corral/contracts';
import { counted } from '../wording/counted.js';
import type { Tone } from '../wording/tone.js';
import { bindingCounts } from './binding-rows.js';

export interface ManifestVerdict {
  readonly tone: Tone;
  readonly title: string;
  readonly detail: string;
  readonly problem: string | null;
}

/** Whether what is served is what the file says. [U-25] */
export function manifestVerdict({ path, problem, bindings, reloads }: ManifestStatus): ManifestVerdict {
  const { active, draining, inFlight } = bindingCounts(bindings);
  const old = draining === 0 ? '' : `, ${counted(draining, 'old version')} ${draining === 1 ? 'drains' : 'drain'}`;
  const detail = `${counted(active, 'entry', 'entries')} served${old}, ${counted(inFlight, 'request')} in flight.`;
  if (problem !== null) return { tone: 'bad', title: 'What is served is not what the file says', detail, problem };
  if (path === null) return { tone: 'good', title: 'The built-in model is served', detail, problem: 'There is no manifest. Write one and start with: corral up --manifest FILE' };
  const [last] = reloads;
  if (last?.status === 'error') return { tone: 'warn', title: 'The last reload failed', detail, problem: 'The manifest before it serves. Below is what was wrong; put it right in the file and reload.' };
  return draining > 0 ? { tone: 'busy', title: 'The manifest is served, old versions drain', detail, problem: null } : { tone: 'good', title: 'The manifest is served', detail, problem: null };
}
