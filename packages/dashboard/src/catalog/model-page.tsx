import type { Operation } from '@corral/contracts';
import type { JSX } from 'preact';
import type { ShownModel } from '../api/catalog-api.js';
import { ModelInstancesPanel } from '../instances/model-instances-panel.js';
import { OperationList } from '../operations/operation-list.js';
import { Chip } from '../shell/chip.js';
import { Listing } from '../shell/listing.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Empty, Panel } from '../shell/panel.js';
import { MODELS } from '../shell/route.js';
import { StaleNote } from '../shell/stale-note.js';
import { useNowMs, useReading } from '../shell/use-store.js';
import { EditPanel } from './edit-panel.js';
import { ForecastPanel } from './forecast-panel.js';
import { ModelActions } from './model-actions.js';
import { ModelFacts } from './model-facts.js';
import { modelState } from './model-row.js';
import { PlacesPanel } from './places-panel.js';

/** Operations of one model that its page shows. */
const OPERATIONS_MAX = 5;

/** One model: what it is, where, what it will need, and the buttons that change it. [U-21] */
export function ModelPage({ store, modelId }: { readonly store: PageStore; readonly modelId: string }): JSX.Element {
  const reading = useReading(store, { key: modelId, everyMs: EVERY_MS.model, ask: (api) => api.catalog.model(modelId) });
  const operations = useReading(store, { key: 'operations', everyMs: EVERY_MS.operations, ask: (api) => api.operations() });
  const isGone = reading.failure?.code === 'NOT_FOUND';
  return (
    <>
      <p>
        <a href={MODELS}>← Models</a>
      </p>
      <h1 class="wraps">{modelId}</h1>
      {isGone ? (
        <Empty>There is no model {modelId} in the catalog, or it was removed.</Empty>
      ) : (
        <>
          <StaleNote store={store} reading={reading} everyMs={EVERY_MS.model} />
          <Listing reading={reading} lines={6} empty={() => undefined}>
            {(shown) => <Model store={store} shown={shown} operations={(operations.value ?? []).filter(({ subject }) => subject['model_id'] === modelId).slice(0, OPERATIONS_MAX)} />}
          </Listing>
        </>
      )}
    </>
  );
}

function Model({ store, shown, operations }: { readonly store: PageStore; readonly shown: ShownModel; readonly operations: readonly Operation[] }): JSX.Element {
  const { value: model } = shown;
  const nowMs = useNowMs(store);
  const state = modelState(model, nowMs);
  return (
    <>
      <div class="row" data-model={model.id} data-state={model.state}>
        <div class="row__head">
          <Chip tone={state.tone}>{state.label}</Chip>
          {model.pinned && <span class="tag">pinned</span>}
          {state.note !== null && <span class="muted figures">{state.note}</span>}
        </div>
        {model.state === 'Retired' && <p class="muted">Requests for it are refused. It stays on the nodes until it is removed, or garbage collection takes it.</p>}
        <ModelActions store={store} shown={shown} operations={operations} />
      </div>
      <EditPanel store={store} shown={shown} />
      {operations.length > 0 && (
        <Panel id="operations" title="What was asked of it" aside="newest first">
          <OperationList operations={operations} nowMs={nowMs} namesSubject={false} />
        </Panel>
      )}
      <ModelInstancesPanel store={store} modelId={model.id} />
      <ForecastPanel forecast={model.forecast} context={model.context} slots={model.slots} />
      <div class="columns">
        <ModelFacts model={model} nowMs={nowMs} />
        <PlacesPanel model={model} nowMs={nowMs} />
      </div>
    </>
  );
}
