import type { GcPlans, GcReports } from '@corral/contracts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { OperationList } from '../operations/operation-list.js';
import { ConfirmDialog } from '../shell/confirm-dialog.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { useNowMs, useReading } from '../shell/use-store.js';
import { counted } from '../wording/counted.js';
import { formatSize } from '../wording/format-size.js';
import { GcNodes } from './gc-nodes.js';
import { gcPlanView, gcReportView } from './gc-view.js';

type Shown = { readonly kind: 'plan'; readonly plans: GcPlans } | { readonly kind: 'run'; readonly operationId: string };

const PLAN = 'plan gc';
const RUN = 'run gc';

/** Garbage collection: what would go is shown before anything does. [U-28] */
export function GcPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const [shown, setShown] = useState<Shown | null>(null);
  const [isAsking, setAsking] = useState(false);
  const [plan, run] = [store.deeds.of(PLAN), store.deeds.of(RUN)];
  const planned = shown?.kind === 'plan' ? gcPlanView(shown.plans) : null;
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
      if (result.ok && result.value !== null) setShown({ kind: 'run', operationId: result.value.operation_id });
      return result;
    });
  };
  return (
    <Panel id="gc" title="Garbage collection" aside="by the rules under gc: of each node">
      <div class="deeds">
        <DeedButton label={shown === null ? 'Plan' : 'Plan again'} busyLabel="Planning …" describes="Plan a garbage collection; nothing is deleted" deed={plan} isPossible onPress={doPlan} />
        <DeedButton label="Run …" busyLabel="Asking …" describes="Run the garbage collection" deed={run} isPossible={planned !== null && planned.count > 0} onPress={() => setAsking(true)} />
        {shown === null && <span class="muted">A plan shows what would be deleted, by which rule. It deletes nothing.</span>}
        {planned !== null && <span class="muted">{planned.count === 0 ? 'Nothing would be deleted.' : `${counted(planned.count, 'entry', 'entries')} would go, ${formatSize(planned.bytes)}.`}</span>}
      </div>
      <DeedFailure deed={plan} onDismiss={() => store.deeds.forget(PLAN)} />
      <DeedFailure deed={run} onDismiss={() => store.deeds.forget(RUN)} />
      {planned !== null && <GcNodes view={planned} kind="plan" />}
      {shown?.kind === 'run' && <GcRun store={store} operationId={shown.operationId} />}
      {isAsking && planned !== null && (
        <ConfirmDialog title="Run the garbage collection?" confirm="Delete" onConfirm={doRun} onClose={() => setAsking(false)}>
          <p>
            {counted(planned.count, 'entry goes', 'entries go')} with {planned.count === 1 ? 'its file' : 'their files'}: {formatSize(planned.bytes)}. Models that are wanted again have to be fetched again. What is in use by then stays.
          </p>
        </ConfirmDialog>
      )}
    </Panel>
  );
}

/** A run as it goes on, then what each node did. */
function GcRun({ store, operationId }: { readonly store: PageStore; readonly operationId: string }): JSX.Element | null {
  const { value } = useReading(store, { key: 'operations', everyMs: EVERY_MS.operations, ask: (api) => api.operations() });
  const nowMs = useNowMs(store);
  const operation = value?.find(({ operation_id }) => operation_id === operationId);
  if (operation === undefined) return null;
  if (operation.state !== 'succeeded') return <OperationList operations={[operation]} nowMs={nowMs} />;
  const view = gcReportView(operation.result as GcReports);
  return (
    <>
      <p role="status">{view.count === 0 ? 'Nothing was deleted.' : `${counted(view.count, 'entry', 'entries')} deleted, ${formatSize(view.bytes)} freed.`}</p>
      <GcNodes view={view} kind="report" />
    </>
  );
}
