import type { JSX } from 'preact';
import { Listing } from '../shell/listing.js';
import type { PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { counted } from '../wording/counted.js';
import { instanceRows } from './instance-row.js';
import { InstanceTable } from './instance-table.js';

const NONE = 'No instance exists yet. Create one with: corral instances create, or list it under instances: in the manifest.';

/** Every instance: what is wished, where it is, and the buttons that change it. [U-09] */
export function InstancesPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const { reading } = store.instances;
  const others = store.health.reading.value?.instances ?? [];
  return (
    <Panel id="instances" title="Instances" aside={reading.value === null ? undefined : counted(instanceRows(reading.value, others, store.ownOrg).length, 'instance')}>
      <Listing reading={reading} lines={3} empty={(own) => (instanceRows(own, others, store.ownOrg).length === 0 ? NONE : undefined)}>
        {(own) => (
          <InstanceTable rows={instanceRows(own, others, store.ownOrg)} store={store} />
        )}
      </Listing>
    </Panel>
  );
}
