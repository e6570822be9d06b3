import type { MetricSpec, MetricsContract } from '@corral/contracts';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { boundedLabel } from './bounded-label.js';

type Named<C extends MetricsContract, T extends MetricSpec['type']> = { [K in keyof C]: C[K]['type'] extends T ? K : never }[keyof C];
/** Every label of the series, no more and no less. */
export type LabelsOf<C extends MetricsContract, K extends keyof C> = Readonly<Record<C[K]['labels'][number], string>>;

/** The series of one contract. One per process; passed, never imported. [H-01] */
export interface Metrics<C extends MetricsContract> {
  inc<K extends Named<C, 'counter'>>(name: K, labels: LabelsOf<C, K>, by?: number): void;
  set<K extends Named<C, 'gauge'>>(name: K, labels: LabelsOf<C, K>, value: number): void;
  observe<K extends Named<C, 'histogram'>>(name: K, labels: LabelsOf<C, K>, value: number): void;
  /** Ends a series whose subject went away, so that a dashboard does not show it for ever. */
  remove<K extends keyof C>(name: K, labels: LabelsOf<C, K>): void;
  /** The text of `/metrics`. */
  exposition(): Promise<string>;
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4';

export interface MetricsOptions {
  /** Added to every series, such as the node. */
  readonly defaultLabels?: Readonly<Record<string, string>>;
  /** Label name → how many values it may take; later values become `other`. [H-02] */
  readonly budgets?: Readonly<Record<string, number>>;
}

/** Registers every series of the contract at once, so that a dashboard never waits for a first event. [H-01] */
export function createMetrics<const C extends MetricsContract>(contract: C, options: MetricsOptions = {}): Metrics<C> {
  const registry = new Registry();
  registry.setDefaultLabels({ ...options.defaultLabels });
  const series = new Map<PropertyKey, Counter | Gauge | Histogram>();
  for (const [name, spec] of Object.entries<MetricSpec>(contract)) {
    const base = { name, help: spec.help, labelNames: [...spec.labels], registers: [registry] };
    if (spec.type === 'histogram') series.set(name, new Histogram({ ...base, buckets: [...spec.buckets] }));
    else series.set(name, spec.type === 'counter' ? new Counter(base) : new Gauge(base));
  }
  const bounds = new Map(Object.entries(options.budgets ?? {}).map(([label, max]) => [label, boundedLabel(max)]));
  const bounded = (labels: Readonly<Record<string, string>>) =>
    bounds.size === 0
      ? labels
      : Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, bounds.get(label)?.(value) ?? value]));
  return {
    inc: (name, labels, by = 1) => (series.get(name) as Counter).inc(bounded(labels), by),
    set: (name, labels, value) => (series.get(name) as Gauge).set(bounded(labels), value),
    observe: (name, labels, value) => (series.get(name) as Histogram).observe(bounded(labels), value),
    remove: (name, labels) => (series.get(name) as Gauge).remove(bounded(labels)),
    exposition: () => registry.metrics(),
  };
}
