import type { JSX } from 'preact';
import { Listing } from '../shell/listing.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { useNowMs, useReading } from '../shell/use-store.js';
import { OperationList } from './operation-list.js';

/** What runs, and as many that have ended as a glance takes in. */
const SHOWN_MAX = 6;

/** What goes on after its call was answered, whoever began it. [U-24] */
export function OperationsPanel({ store }: { readonly store: PageStore }): JSX.Element {
  const reading = useReading(store, { key: 'operations', everyMs: EVERY_MS.operations, ask: (api) => api.operations() });
  const nowMs = useNowMs(store);
  return (
    <Panel id="operations" title="Operations" aside="newest first">
      <Listing reading={reading} lines={1} empty={(all) => (all.length === 0 ? 'Nothing goes on. Pulls, verifications and drains show here with their progress.' : undefined)}>
        {(all) => <OperationList operations={all.filter(({ state }, n) => state === 'running' || n < SHOWN_MAX)} nowMs={nowMs} />}
      </Listing>
    </Panel>
  );
}
