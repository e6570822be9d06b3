import type { CatalogModelList } from '@corral/contracts';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { MODELS_PAGE } from '../api/catalog-api.js';
import { EnginesPanel } from '../engines/engines-panel.js';
import { Listing } from '../shell/listing.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { SearchBar } from '../shell/search-bar.js';
import { StaleNote } from '../shell/stale-note.js';
import { useNowMs, useReading } from '../shell/use-store.js';
import { GcPanel } from './gc-panel.js';
import { modelRow } from './model-row.js';
import { queryOf, searchOf, type ModelSearch } from './model-search.js';
import { ModelTable } from './model-table.js';
import { RegisterPanel } from './register-panel.js';

/** How long a search waits for the next letter. */
const TYPING_MS = 250;

const STATES = ['Active', 'Retired'] as const;

const NONE = 'The catalog is empty. Register a model above, list it under models: in the manifest, or run: corral models add hf:org/repo/file.gguf';

/** What is meant to be served, where it is, and the disk that it takes. [U-20] */
export function ModelsPage({ store }: { readonly store: PageStore }): JSX.Element {
  const [search, setSearch] = useState<ModelSearch>(() => searchOf(location.search));
  /** Where each page that was turned begins; the last one is shown. */
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const text = useSettled(search.text.trim());
  const cursor = cursors.at(-1) ?? null;
  const reading = useReading(store, { key: JSON.stringify([text, search.state, cursor]), everyMs: EVERY_MS.models, ask: (api) => api.catalog.models({ text, state: search.state, cursor }) });
  const look = (next: ModelSearch): void => {
    setSearch(next);
    setCursors([]);
    history.replaceState(null, '', `${location.pathname}${queryOf(next)}`);
  };
  const nowMs = useNowMs(store);
  const isSearch = queryOf(search) !== '';
  return (
    <>
      <h1>Models</h1>
      <RegisterPanel store={store} />
      <Panel id="models" title="Catalog" aside={reading.value === null ? undefined : `${reading.value.total.toLocaleString('en-US')} ${reading.value.total === 1 ? 'model' : 'models'}${isSearch ? ' found' : ''}`}>
        <SearchBar label="Name" placeholder="part of an id" {...search} states={STATES} onSearch={(next, state) => look({ text: next, state })} />
        <StaleNote store={store} reading={reading} everyMs={EVERY_MS.models} />
        <Listing reading={reading} lines={4} empty={({ data }) => (data.length > 0 ? undefined : isSearch ? 'No model of the catalog is called so or in that state.' : NONE)}>
          {(list) => (
            <>
              <ModelTable rows={list.data.map((model) => modelRow(model, nowMs))} />
              <Pager list={list} page={cursors.length} onNext={(next) => setCursors([...cursors, next])} onBack={() => setCursors(cursors.slice(0, -1))} />
            </>
          )}
        </Listing>
      </Panel>
      <GcPanel store={store} />
      <EnginesPanel store={store} />
    </>
  );
}

interface PagerProps {
  readonly list: CatalogModelList;
  readonly page: number;
  readonly onNext: (cursor: string) => void;
  readonly onBack: () => void;
}

function Pager({ list, page, onNext, onBack }: PagerProps): JSX.Element | null {
  const next = list.next_cursor;
  if (next === null && page === 0) return null;
  const from = page * MODELS_PAGE;
  return (
    <nav class="pager" aria-label="Pages of the catalog">
      <button type="button" class="button" aria-disabled={page === 0} onClick={() => page > 0 && onBack()}>
        Previous
      </button>
      <span class="figures muted">
        {(from + 1).toLocaleString('en-US')} to {(from + list.data.length).toLocaleString('en-US')} of {list.total.toLocaleString('en-US')}
      </span>
      <button type="button" class="button" aria-disabled={next === null} onClick={() => next !== null && onNext(next)}>
        Next
      </button>
    </nav>
  );
}

/** The text once nobody has typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
