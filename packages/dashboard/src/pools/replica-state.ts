import type { ReplicaState, ReplicaStatus } from '@corral/contracts';
import type { Tone } from '../wording/tone.js';

const STATES: Readonly<Record<ReplicaState, { readonly tone: Tone; readonly label: string }>> = {
  waiting: { tone: 'busy', label: 'waits for memory' },
  loading: { tone: 'busy', label: 'loading' },
  resident: { tone: 'good', label: 'loaded' },
  parked: { tone: 'idle', label: 'parked' },
  draining: { tone: 'warn', label: 'draining' },
  failed: { tone: 'bad', label: 'failed' },
};

/** A replica in one or two words, with the share of its load that is done. */
export function replicaState({ state, load_progress: progress }: ReplicaStatus): { readonly tone: Tone; readonly label: string } {
  const { tone, label } = STATES[state] ?? { tone: 'idle', label: state };
  return { tone, label: state === 'loading' && progress !== null ? `${label} ${Math.round(progress * 100)} %` : label };
}
