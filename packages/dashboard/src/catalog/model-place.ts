import type { CatalogModel, ModelOnNode } from '@corral/contracts';
import type { Tone } from '../wording/tone.js';

export interface ModelPlace {
  readonly nodeId: string;
  readonly tone: Tone;
  readonly label: string;
}

/** Nodes that a line of the list names; the page of the model names all. */
const SHOWN_MAX = 3;

/** Where a model is on one node, the fastest place first. */
export function modelPlace(on: ModelOnNode): ModelPlace {
  const { tone, label } = placeOf(on);
  return { nodeId: on.node_id, ...(on.online ? { tone, label } : { tone: 'warn', label: `${label}, node offline` }) };
}

/** The nodes that matter for a line: those that have the file or are to have it, and how many more there are. [U-20] */
export function modelPlaces({ availability }: CatalogModel): { readonly shown: readonly ModelPlace[]; readonly more: number } {
  const places = availability.filter(({ present, staged, resident, wanted }) => present || staged || resident > 0 || wanted > 0);
  return { shown: places.slice(0, SHOWN_MAX).map(modelPlace), more: Math.max(0, places.length - SHOWN_MAX) };
}

function placeOf({ resident, staged, present, wanted }: ModelOnNode): { readonly tone: Tone; readonly label: string } {
  if (resident > 0) return { tone: 'good', label: resident === 1 ? 'loaded' : `loaded ${resident} times` };
  if (staged) return { tone: 'good', label: 'staged in RAM' };
  if (present) return { tone: 'idle', label: 'on disk' };
  return wanted > 0 ? { tone: 'busy', label: 'on its way' } : { tone: 'idle', label: 'not there' };
}
