/** A model as the scripts of the crash tests register it; `n` is its time. */
export function writtenEntry(n, fields) {
  return {
    refs: [],
    lifecycle: 'Active',
    verification: { result: 'warn', reason: 'x'.repeat(500) },
    digestGiven: false,
    lastVerifiedMs: n,
    createdMs: n,
    lastUsedMs: null,
    retiredAtMs: null,
    pinned: false,
    tags: [],
    facts: null,
    factsKey: null,
    ...fields,
  };
}
