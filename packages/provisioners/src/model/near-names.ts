import { editDistance } from '@corral/service-kit';

const MAX_COMPARED = 500;

/** The names most like `wanted`, nearest first: for "did you mean". Those with its file extension come before all others. */
export function nearNames(wanted: string, names: readonly string[], limit = 3): readonly string[] {
  const extension = /\.[^./]+$/.exec(wanted)?.[0] ?? '';
  return names
    .filter((name) => !name.endsWith('/'))
    .slice(0, MAX_COMPARED)
    .map((name) => ({ name, distance: editDistance(wanted, name) + (name.endsWith(extension) ? 0 : 1_000) }))
    .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}
