const LONGEST_NAME = 128;

/** Up to `max` of the names that a mistyped one may mean, the closest first; none when nothing is close. */
export function nearest(name: string, candidates: Iterable<string>, max = 3): string[] {
  if (name.length > LONGEST_NAME) return [];
  const wanted = name.toLowerCase();
  const limit = Math.max(2, Math.floor(name.length / 3));
  const found = [...new Set(candidates)]
    .filter((candidate) => Math.abs(candidate.length - name.length) <= limit || candidate.toLowerCase().startsWith(wanted))
    .map((candidate) => ({ candidate, distance: distanceTo(wanted, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate));
  const best = found[0]?.distance ?? 0;
  return found
    .filter(({ distance }) => distance <= best + 1)
    .slice(0, max)
    .map(({ candidate }) => candidate);
}

/** The start of a longer name is nearly that name. */
function distanceTo(wanted: string, candidate: string): number {
  const letters = editDistance(wanted, candidate);
  return candidate.startsWith(wanted) ? Math.min(1, letters) : letters;
}

/** Letters to add, drop or change to make one text the other. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
