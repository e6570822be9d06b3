const MAX_COMPARED = 500;

/** The names most like `wanted`, nearest first: for "did you mean". Those with its file extension come before all others. */
export function nearNames(wanted: string, names: readonly string[], limit = 3): readonly string[] {
  const extension = /\.[^./]+$/.exec(wanted)?.[0] ?? '';
  return names
    .filter((name) => !name.endsWith('/'))
    .slice(0, MAX_COMPARED)
    .map((name) => ({ name, distance: distance(wanted, name) + (name.endsWith(extension) ? 0 : 1_000) }))
    .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

/** Edits that turn one text into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
