/**
 * The keys that a dotted field name stands for in a parsed document. Names may contain dots themselves, so the
 * document decides where one ends; what it does not hold is kept as one key per dot.
 */
export function fieldPath(document: unknown, field: string): readonly string[] {
  const keys: string[] = [];
  let value = document;
  let rest = field;
  while (rest !== '') {
    const name = nameAt(value, rest);
    keys.push(name);
    value = (value as Record<string, unknown> | undefined)?.[name];
    rest = rest.slice(name.length + 1);
  }
  return keys;
}

/** The longest key of `value` that `rest` begins with. */
function nameAt(value: unknown, rest: string): string {
  const known = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const fitting = known.filter((key) => key !== '' && (rest === key || rest.startsWith(`${key}.`)));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? (rest.split('.')[0] || rest);
}
