/** The kinds of entries of a manifest. [F-20] */
export type BindingKind = 'model' | 'route' | 'instance' | 'pool';

/**
 * Where one version of a binding is in its life. `registering`: known, takes no requests yet. `active`: takes new
 * requests. `draining`: replaced or removed, and its requests are ending. `terminated`: nothing is left of it. [F-16]
 */
export type BindingState = 'registering' | 'active' | 'draining' | 'terminated';

/** What a manifest defines under one id. */
export interface BindingDefinition {
  /** `<kind>:<name>`, unique within a manifest. */
  readonly id: string;
  readonly kind: BindingKind;
  /** Equal exactly when two definitions mean the same. [F-17] */
  readonly fingerprint: string;
}

/** The bindings of two manifests, compared; each list sorted. [F-03] */
export interface ReloadSummary {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
  readonly unchanged: readonly string[];
}
