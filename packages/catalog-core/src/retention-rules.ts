/** What a garbage collection keeps and deletes, as rules say it. A pin holds whether or not a rule names it. [D-31 D-37] */
export interface RetentionRules {
  /** Nothing that is active is deleted, whatever the disk says. */
  readonly keepActive: boolean;
  /** What was used within this time stays; `null` = no such rule. */
  readonly keepUsedWithinMs: number | null;
  /** What has been retired for so long is deleted, whatever the disk says; `null` = no such rule. */
  readonly deleteRetiredAfterMs: number | null;
}

export type ParsedRetentionRules =
  | { readonly kind: 'rules'; readonly rules: RetentionRules }
  /** `index`: of the rule in the list, `null` where the list itself is none. */
  | { readonly kind: 'refused'; readonly problems: readonly { readonly index: number | null; readonly message: string }[] };

const DAY_MS = 86_400_000;
/** A hundred years; more is a mistake. */
const DAYS_MAX = 36_525;
/** Rule → the name of its number of days; `null` = it has none. */
const RULES: Readonly<Record<string, 'days' | 'after_days' | null>> = { KeepActive: null, KeepPinned: null, KeepRecentlyUsed: 'days', DeleteRetired: 'after_days' };
const FORMS = 'KeepActive, KeepPinned, {KeepRecentlyUsed: {days: 7}} or {DeleteRetired: {after_days: 30}}';

/** Reads `retention_rules` as configured: each rule at most once, in any order; days may be fractions. Never throws. [D-30 D-31] */
export function parseRetentionRules(list: unknown): ParsedRetentionRules {
  if (!Array.isArray(list)) return { kind: 'refused', problems: [{ index: null, message: `is no list; write [${FORMS.replace(' or ', ', ')}]` }] };
  const days = new Map<string, number | null>();
  const problems: { index: number; message: string }[] = [];
  for (const [index, item] of list.entries()) {
    const parsed = parseRule(item);
    if (typeof parsed === 'string') problems.push({ index, message: parsed });
    else if (days.has(parsed.name)) problems.push({ index, message: `${parsed.name} is there twice; leave one` });
    else days.set(parsed.name, parsed.days);
  }
  if (problems.length > 0) return { kind: 'refused', problems };
  const msOf = (name: string): number | null => {
    const number = days.get(name) ?? null;
    return number === null ? null : number * DAY_MS;
  };
  return { kind: 'rules', rules: { keepActive: days.has('KeepActive'), keepUsedWithinMs: msOf('KeepRecentlyUsed'), deleteRetiredAfterMs: msOf('DeleteRetired') } };
}

function parseRule(item: unknown): { readonly name: string; readonly days: number | null } | string {
  if (typeof item === 'string') return bareRule(item);
  const [name, value, more] = isPlain(item) ? [...Object.keys(item).slice(0, 1), Object.values(item)[0], Object.keys(item)[1]] : [];
  if (typeof name !== 'string' || more !== undefined) return `is no rule; write ${FORMS}`;
  if (!Object.hasOwn(RULES, name)) return unknownRule(name);
  const field = RULES[name] ?? null;
  if (field === null) return `${name} takes nothing; write ${name}`;
  const days = isPlain(value) && Object.keys(value).join() === field ? value[field] : undefined;
  if (typeof days !== 'number' || !(days >= 0 && days <= DAYS_MAX)) return `${name} needs its days, a number from 0 to ${DAYS_MAX}; write {${name}: {${field}: 7}}`;
  return { name, days };
}

function bareRule(name: string): { readonly name: string; readonly days: null } | string {
  if (!Object.hasOwn(RULES, name)) return unknownRule(name);
  const field = RULES[name] ?? null;
  return field === null ? { name, days: null } : `${name} needs its days; write {${name}: {${field}: 7}}`;
}

function unknownRule(name: string): string {
  return `${JSON.stringify(name.slice(0, 64))} is no rule; write ${FORMS}`;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
