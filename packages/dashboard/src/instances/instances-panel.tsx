import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Listing } from '../shell/listing.js';
import type { PageStore } from '../shell/page-store.js';
import { Empty, Panel } from '../shell/panel.js';
import { SearchBar } from '../shell/search-bar.js';
import { ShowMore } from '../shell/show-more.js';
import { counted } from '../wording/counted.js';
import { instanceRows } from './instance-row.js';
import { InstanceTable } from './instance-table.js';
import { INSTANCE_STATES, matchingInstances } from './matching-instances.js';

const NONE = 'No instance exists yet. Create one with: corral instances create, or list it under instances: in the manifest.';
/** Fewer are seen at a glance, without looking for them. */
const SEARCHED_FROM = 10;
/** Lines that are drawn at once. */
const LINES_MAX = 50;

/** Every instance: what is wished, where it is, and the buttons that change it. [U-09 U-35] */
export function InstancesPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const [search, setSearch] = useState<{ readonly text: string; readonly state: string | null }>({ text: '', state: null });
  const { reading } = store.instances;
  const rows = reading.value === null ? [] : instanceRows(reading.value, store.health.reading.value?.instances ?? [], store.ownOrg);
  const isSearch = search.text.trim() !== '' || search.state !== null;
  const shown = isSearch ? matchingInstances(rows, search.text, search.state) : rows;
  return (
    <Panel id="instances" title="Instances" aside={reading.value === null ? undefined : `${counted(shown.length, 'instance')}${isSearch ? ' found' : ''}`}>
      <Listing reading={reading} lines={3} empty={() => (rows.length === 0 ? NONE : undefined)}>
        {() => (
          <>
            {(rows.length > SEARCHED_FROM || isSearch) && <SearchBar label="Name or model" {...search} states={INSTANCE_STATES} onSearch={(text, state) => setSearch({ text, state })} />}
            {shown.length === 0 && <Empty>No instance is called so, runs such a model or is in that state.</Empty>}
            <ShowMore rows={shown} step={LINES_MAX}>
              {(some) => some.length > 0 && <InstanceTable rows={some} store={store} />}
            </ShowMore>
          </>
        )}
      </Listing>
    </Panel>
  );
}
