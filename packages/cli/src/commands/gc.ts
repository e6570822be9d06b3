import { GcPlans, GcReports, Operation, validator, type GcPlan, type GcReport } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

const checkPlans = validator(GcPlans);
const checkOperation = validator(Operation);
const checkReports = validator(GcReports);
/** A pass may have much to delete. */
const PASS_MS = 660_000;

type NodeError = Extract<GcPlans['nodes'][string], { error: unknown }>;

/** `corral gc`: deletes on every node what its rules let go, or with `--dry-run` shows what that would be. [D-33 D-38] */
export async function gc(context: CliContext, globals: Globals & { readonly dryRun: boolean }): Promise<number> {
  const { nodes } = globals.dryRun ? await planned(context, globals) : await collected(context, globals);
  const answers = Object.entries<GcPlan | GcReport | NodeError>(nodes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (globals.json) printJson(context, { nodes });
  else context.out.write(`${renderGc(answers, context.colors)}\n`);
  const isWhole = answers.every(([, answer]) => !('error' in answer) && !('failed' in answer && answer.failed.length > 0));
  return isWhole ? EXIT.done : EXIT.failed;
}

function planned(context: CliContext, globals: Globals): Promise<GcPlans> {
  return withClient(context, globals, (client) => client.post('/v2/catalog/gc?dry_run=true', undefined, checkPlans));
}

async function collected(context: CliContext, globals: Globals): Promise<GcReports> {
  const { result } = await withClient(context, globals, (client) => client.post('/v2/catalog/gc?wait=true', undefined, checkOperation, { timeoutMs: PASS_MS }));
  const reports = checkReports(result);
  if (!reports.ok) throw new CliFailure('the server answered what this version cannot read', { next: 'use the corral command of the version that the server runs' });
  return reports.value;
}

/** What goes or went, then the disk of each node. */
export function renderGc(answers: readonly (readonly [string, GcPlan | GcReport | NodeError])[], colors: Colors): string {
  if (answers.length === 0) return 'no node has registered yet; corral nodes shows what is known';
  const rows = answers.flatMap(([nodeId, answer]) => rowsOf(nodeId, answer));
  const table = rows.length === 0 ? [] : [renderTable(['node', 'what', 'id', 'rule', 'bytes', 'outcome'], rows, colors), ''];
  return [...table, ...answers.map(([nodeId, answer]) => diskLine(nodeId, answer))].join('\n');
}

function rowsOf(nodeId: string, answer: GcPlan | GcReport | NodeError): readonly (readonly string[])[] {
  if ('error' in answer) return [];
  const row = ({ kind, id, rule, bytes }: GcPlan['would_delete'][number], outcome: string) => [nodeId, kind, id, rule, formatBytes(bytes), outcome];
  if ('would_delete' in answer) return answer.would_delete.map((one) => row(one, 'would go'));
  return [...answer.deleted.map((one) => row(one, 'deleted')), ...answer.failed.map((one) => row(one, `not deleted: ${one.error}`))];
}

function diskLine(nodeId: string, answer: GcPlan | GcReport | NodeError): string {
  if ('error' in answer) return `${nodeId}: ${answer.error.message}`;
  const { disk, disk_after: after, thresholds, thresholds_met_after: isMet, kept } = answer;
  const count = 'would_delete' in answer ? answer.would_delete.length : answer.deleted.length;
  const limits = `limits ${thresholds.max_disk_usage_percent} % used, ${thresholds.min_free_gb} GB free`;
  const change = `${count === 0 ? 'nothing to delete' : `${count} ${'would_delete' in answer ? 'would go' : 'deleted'}`}, ${keptOf(kept)}`;
  const state = isMet ? 'met' : 'NOT met: nothing more may be deleted';
  return `${nodeId}: ${change}; disk ${disk.used_percent} % used, ${disk.free_gb} GB free → ${after.used_percent} %, ${after.free_gb} GB (${limits}: ${state})`;
}

/** `3 kept (2 InUse, 1 KeepPinned)`. */
function keptOf(kept: GcPlan['kept']): string {
  const counts = new Map<string, number>();
  for (const { rule } of kept) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const why = [...counts].map(([rule, count]) => `${count} ${rule}`).join(', ');
  return kept.length === 0 ? 'nothing kept' : `${kept.length} kept (${why})`;
}
