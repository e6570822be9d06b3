import { formatBytes, formatDuration } from '@corral/service-kit';
import type { Failure } from './failure.js';
import { heldBytes } from './replica.js';
import type { Replica } from './replica.js';

const LONGEST = 100;

/** What happened to a replica, as a person would say it: present tense, no ids. `null` where nobody needs to be told. [H-13] */
export function narrate(from: Replica | null, to: Replica | null, cause: string): string | null {
  const model = (to ?? from)?.modelId ?? '';
  if (to === null) return from !== null && 'pid' in from.phase ? `${model} has left and frees ${formatBytes(heldBytes(from))}.` : null;
  switch (to.phase.state) {
    case 'waiting':
      return null;
    case 'loading':
      return `${model} is being loaded and needs about ${formatBytes(to.memoryBytes)}.`;
    case 'parking':
      return shortened(`${model} gives up its context and keeps its weights`);
    case 'parked':
      return `${model} is parked and holds ${formatBytes(to.phase.heldBytes)}.`;
    case 'resuming':
      return `${model} is on its way back.`;
    case 'resident':
      if (from?.phase.state === 'resuming') return `${model} is back after ${formatDuration(to.phase.sinceMs - from.phase.sinceMs)}.`;
      return from?.phase.state === 'loading' ? `${model} is ready after ${formatDuration(to.phase.sinceMs - from.phase.sinceMs)}.` : `${model} stays after all.`;
    case 'draining':
      return shortened(cause.startsWith(model) ? cause : `${model} takes no more work: ${cause}`);
    case 'stopping':
      // Where it drained before, the reason was told then.
      return shortened(from?.phase.state === 'draining' ? `${model} is being unloaded` : `${model} is being unloaded: ${cause}`);
    case 'failed':
      return `${whatFailed(to.phase.failure, model)}${again(to)}.`;
  }
}

function whatFailed({ kind, reason }: Failure, model: string): string {
  if (kind !== 'crash') return `${model} cannot be loaded`;
  if (reason === 'hang' || reason === 'unhealthy') return `The engine of ${model} hung and was ended`;
  return reason === 'oom' ? `The engine of ${model} was ended for want of memory` : `The engine of ${model} ended by itself`;
}

function again({ phase }: Replica): string {
  if (phase.state !== 'failed') return '';
  return phase.retryAtMs === null ? ' until memory is free' : `; next try in ${formatDuration(phase.retryAtMs - phase.sinceMs)}`;
}

function shortened(text: string): string {
  const sentence = text.endsWith('.') ? text : `${text}.`;
  return sentence.length <= LONGEST ? sentence : `${sentence.slice(0, LONGEST - 1)}…`;
}
