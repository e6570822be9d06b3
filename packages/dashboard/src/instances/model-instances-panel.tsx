import type { JSX } from 'preact';
import { Listing } from '../shell/listing.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { counted } from '../wording/counted.js';
import { instanceRows, type InstanceRow } from './instance-row.js';
import { InstanceTable } from './instance-table.js';

const NONE = 'No instance runs it. Requests that name it load it all the same; one that is to stay loaded is created with: corral instances create';

/** The instances that run one model, with the buttons that load and unload them. [U-31] */
export function ModelInstancesPanel({ store, modelId }: { readonly store: PageStore; readonly modelId: string }): JSX.Element {
  const { reading } = store.instances;
  const rows: readonly InstanceRow[] = reading.value === null ? [] : instanceRows(reading.value, [], store.ownOrg).filter(({ model }) => model === modelId);
  return (
    <Panel id="model-instances" title="Instances" aside={reading.value === null ? undefined : counted(rows.length, 'instance')}>
      <Listing reading={reading} lines={1} empty={() => (rows.length === 0 ? NONE : undefined)}>
        {() => <InstanceTable rows={rows} store={store} />}
      </Listing>
    </Panel>
  );
}
