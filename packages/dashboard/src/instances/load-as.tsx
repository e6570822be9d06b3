import type { Tier } from '@corral/contracts';
import type { JSX } from 'preact';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import type { PageStore } from '../shell/page-store.js';
import type { InstanceRow } from './instance-row.js';

const WAYS: readonly { readonly tier: Tier; readonly label: string; readonly says: string }[] = [
  { tier: 'hot', label: 'Load hot', says: 'stays in device memory' },
  { tier: 'warm', label: 'Load warm', says: 'waits in host RAM' },
];

/** Loads an instance as another tier than its own, for this time. [U-09] */
export function LoadAs({ row, store }: { readonly row: InstanceRow; readonly store: PageStore }): JSX.Element | null {
  if (row.actions === null) return null;
  const name = { org_id: row.orgId, instance_id: row.instanceId };
  const id = `${row.orgId}/${row.instanceId}`;
  return (
    <div class="deeds">
      <span class="muted">For this time alone:</span>
      {WAYS.map(({ tier, label, says }) => (
        <DeedButton key={tier} label={label} busyLabel="Asking …" describes={`Load ${id} as ${tier}: it ${says}`} deed={store.deeds.of(`load ${tier} ${id}`)} isPossible onPress={() => void store.act(`load ${tier} ${id}`, (api) => api.load(name, tier))} />
      ))}
      {WAYS.map(({ tier }) => (
        <DeedFailure key={tier} deed={store.deeds.of(`load ${tier} ${id}`)} onDismiss={() => store.deeds.forget(`load ${tier} ${id}`)} />
      ))}
    </div>
  );
}
