import type { GcPlan, GcPlans, GcReport, GcReports } from '@corral/contracts';
import { counted } from '../wording/counted.js';
import { formatDuration } from '../wording/format-duration.js';
import { formatSize } from '../wording/format-size.js';
import type { Tone } from '../wording/tone.js';

export interface GcLine {
  readonly key: string;
  readonly id: string;
  /** Whether the id is that of a model, which has a page. */
  readonly isModel: boolean;
  readonly rule: string;
  readonly bytes: string | null;
  readonly problem: string | null;
}

/** What a garbage collection would do on one node, or did. */
export interface GcNodeView {
  readonly nodeId: string;
  readonly tone: Tone;
  readonly title: string;
  /** The disk before and after; null where the node gave no answer. */
  readonly disk: { readonly path: string; readonly before: GcDiskView; readonly after: GcDiskView; readonly thresholds: string } | null;
  readonly gone: readonly GcLine[];
  readonly kept: readonly GcLine[];
  readonly problem: string | null;
}

export interface GcDiskView {
  readonly text: string;
  readonly fraction: number;
}

export interface GcView {
  readonly nodes: readonly GcNodeView[];
  /** Entries that go on all nodes together, and their bytes. */
  readonly count: number;
  readonly bytes: number;
}

type Deletion = GcPlan['would_delete'][number];
type Disk = GcPlan['disk'];

const DELETE_RULES: Readonly<Record<Deletion['rule'], string>> = { DeleteRetired: 'retired for long enough', Pressure: 'the disk is too full, and it was used least recently' };

const UNMET = 'Nothing more may be deleted, and the disk is still beyond its limits: unpin or retire models, loosen the rules under gc:, or give the node more disk.';

/** [U-28] */
export function gcPlanView(plans: GcPlans): GcView {
  const nodes = entriesOf(plans.nodes);
  const all = nodes.flatMap(([, plan]) => ('error' in plan ? [] : plan.would_delete));
  return { nodes: nodes.map(([nodeId, plan]) => ('error' in plan ? silent(nodeId, plan.error.message) : planned(nodeId, plan))), count: all.length, bytes: bytesOf(all) };
}

/** [U-28] */
export function gcReportView(reports: GcReports): GcView {
  const nodes = entriesOf(reports.nodes);
  const all = nodes.flatMap(([, report]) => ('error' in report ? [] : report.deleted));
  return { nodes: nodes.map(([nodeId, report]) => ('error' in report ? silent(nodeId, report.error.message) : reported(nodeId, report))), count: all.length, bytes: nodes.reduce((sum, [, report]) => sum + ('error' in report ? 0 : report.freed_bytes), 0) };
}

function planned(nodeId: string, plan: GcPlan): GcNodeView {
  const { would_delete: gone, thresholds_met_after: isMet } = plan;
  return {
    nodeId,
    tone: isMet ? (gone.length === 0 ? 'good' : 'busy') : 'bad',
    title: gone.length === 0 ? 'nothing to delete' : `would delete ${counted(gone.length, 'entry', 'entries')}, ${formatSize(bytesOf(gone))}`,
    disk: diskOf(plan),
    gone: gone.map(lineOf),
    kept: plan.kept.map(keptLine),
    problem: isMet ? null : UNMET,
  };
}

function reported(nodeId: string, report: GcReport): GcNodeView {
  const { deleted, failed, freed_bytes: freed, thresholds_met_after: isMet, duration_ms: ms } = report;
  return {
    nodeId,
    tone: failed.length > 0 || !isMet ? 'bad' : 'good',
    title: `deleted ${deleted.length === 0 ? 'nothing' : `${counted(deleted.length, 'entry', 'entries')}, ${formatSize(freed)}`}, in ${formatDuration(ms)}`,
    disk: diskOf(report),
    gone: [...failed.map((entry) => ({ ...lineOf(entry), problem: entry.error })), ...deleted.map(lineOf)],
    kept: report.kept.map(keptLine),
    problem: isMet ? null : UNMET,
  };
}

function silent(nodeId: string, problem: string): GcNodeView {
  return { nodeId, tone: 'bad', title: 'no answer', disk: null, gone: [], kept: [], problem };
}

function diskOf({ disk, disk_after: after, thresholds }: Pick<GcPlan, 'disk' | 'disk_after' | 'thresholds'>): NonNullable<GcNodeView['disk']> {
  return {
    path: disk.path,
    before: used(disk),
    after: used(after),
    thresholds: `${thresholds.max_disk_usage_percent} % used at most, ${thresholds.min_free_gb} GB free at least`,
  };
}

function used({ used_percent: percent, free_bytes: free }: Disk): GcDiskView {
  return { text: `${percent.toFixed(1)} % used, ${formatSize(free)} free`, fraction: percent / 100 };
}

function lineOf({ id, kind, rule, bytes }: Deletion): GcLine {
  return { key: `${kind} ${id}`, id: kind === 'engine' ? `engine ${id}` : id, isModel: kind === 'model', rule: DELETE_RULES[rule], bytes: formatSize(bytes), problem: null };
}

function keptLine({ id, kind, reason }: GcPlan['kept'][number]): GcLine {
  return { key: `${kind} ${id}`, id: kind === 'engine' ? `engine ${id}` : id, isModel: kind === 'model', rule: reason, bytes: null, problem: null };
}

function bytesOf(entries: readonly Deletion[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0);
}

function entriesOf<T>(nodes: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(nodes).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
