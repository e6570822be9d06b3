import type { GcPlans, GcReports } from '@corral/contracts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ConfirmDialog } from '../shell/confirm-dialog.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { counted } from '../wording/counted.js';
import { formatSize } from '../wording/format-size.js';
import { GcNodes } from './gc-nodes.js';
import { gcPlanView, gcReportView, type GcView } from './gc-view.js';

type Shown = { readonly kind: 'plan'; readonly plans: GcPlans } | { readonly kind: 'report'; readonly reports: GcReports };

const PLAN = 'plan gc';
const RUN = 'run gc';

/** Garbage collection: what would go is shown before anything does. [U-28] */
export function GcPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const [shown, setShown] = useState<Shown | null>(null);
  const [isAsking, setAsking] = useState(false);
  const [plan, run] = [store.deeds.of(PLAN), store.deeds.of(RUN)];
  const view = shown === null ? null : shown.kind === 'plan' ? gcPlanView(shown.plans) : gcReportView(shown.reports);
  const doPlan = (): void => {
    store.deeds.forget(RUN);
    void store.act(PLAN, async (api) => {
      const result = await api.catalog.gcPlan();
      if (result.ok && result.value !== null) setShown({ kind: 'plan', plans: result.value });
      return result;
    });
  };
  const doRun = (): void => {
    void store.act(RUN, async (api) => {
      const result = await api.catalog.gcRun();
      if (result.ok && result.value !== null) setShown({ kind: 'report', reports: result.value });
      return result;
    });
  };
  const canRun = shown?.kind === 'plan' && view !== null && view.count > 0;
  return (
    <Panel id="gc" title="Garbage collection" aside="by the rules under gc: of each node">
      <div class="deeds">
        <DeedButton label={shown === null ? 'Plan' : 'Plan again'} busyLabel="Planning …" describes="Plan a garbage collection; nothing is deleted" deed={plan} isPossible onPress={doPlan} />
        <DeedButton label="Run …" busyLabel="Deleting …" describes="Run the garbage collection" deed={run} isPossible={canRun} onPress={() => setAsking(true)} />
        <span class="muted">{wordsOf(shown, view)}</span>
      </div>
      <DeedFailure deed={plan} onDismiss={() => store.deeds.forget(PLAN)} />
      <DeedFailure deed={run} onDismiss={() => store.deeds.forget(RUN)} />
      {shown !== null && view !== null && <GcNodes view={view} kind={shown.kind} />}
      {isAsking && view !== null && (
        <ConfirmDialog title="Run the garbage collection?" confirm="Delete" onConfirm={doRun} onClose={() => setAsking(false)}>
          <p>
            {counted(view.count, 'entry goes', 'entries go')} with {view.count === 1 ? 'its file' : 'their files'}: {formatSize(view.bytes)}. Models that are fetched again cost their download. What is in use by then stays.
          </p>
        </ConfirmDialog>
      )}
    </Panel>
  );
}

function wordsOf(shown: Shown | null, view: GcView | null): string {
  if (shown === null || view === null) return 'A plan shows what would be deleted, by which rule. It deletes nothing.';
  if (shown.kind === 'report') return view.count === 0 ? 'Nothing was deleted.' : `${counted(view.count, 'entry', 'entries')} deleted, ${formatSize(view.bytes)} freed.`;
  return view.count === 0 ? 'Nothing would be deleted.' : `${counted(view.count, 'entry', 'entries')} would go, ${formatSize(view.bytes)}.`;
}
