import type { PoolStatus } from '@corral/contracts';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { DeadlineDialog } from '../shell/deadline-dialog.js';
import { DeedButton, DeedFailure } from '../shell/deed-button.js';
import type { PageStore } from '../shell/page-store.js';

interface PoolDeedsProps {
  readonly pool: PoolStatus;
  readonly store: PageStore;
}

/** What an operator does with a pool: forget its failures, take it out of service and put it back. [U-08] */
export function PoolDeeds({ pool, store }: PoolDeedsProps): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const { pool_id: id, draining } = pool;
  const drain = (deadlineMs: number | null): void => void store.act(`drain ${id}`, (api) => api.drainPool(id, deadlineMs));
  const undrain = (): void => void store.act(`drain ${id}`, (api) => api.undrainPool(id));
  return (
    <span class="deeds pool__actions">
      <DeedButton
        label={draining ? 'Undrain' : 'Drain …'}
        busyLabel="Asking …"
        describes={draining ? `Put ${id} back into service` : `Drain ${id}: take it out of service`}
        deed={store.deeds.of(`drain ${id}`)}
        isPossible
        onPress={() => (draining ? undrain() : setAsking(true))}
      />
      <DeedButton label="Reset" busyLabel="Asking …" describes={`Reset ${id}: forget its failures and try again now`} deed={store.deeds.of(`reset ${id}`)} isPossible onPress={() => void store.resetPool(id)} />
      {isAsking && (
        <DeadlineDialog title={`Drain ${id}?`} confirm="Drain" onConfirm={drain} onClose={() => setAsking(false)}>
          It gets no more work, running answers end, then its engines do. What waits goes to other pools that can serve it, or waits until Undrain puts the pool back.
        </DeadlineDialog>
      )}
    </span>
  );
}

/** Why the server did not do it. */
export function PoolDeedFailures({ pool: { pool_id: id }, store }: PoolDeedsProps): JSX.Element {
  return (
    <>
      {[`drain ${id}`, `reset ${id}`].map((subject) => (
        <DeedFailure key={subject} deed={store.deeds.of(subject)} onDismiss={() => store.deeds.forget(subject)} />
      ))}
    </>
  );
}
