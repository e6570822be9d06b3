import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { When } from '../shell/when.js';
import type { VerificationView } from './verification-view.js';

/** What a verification found, when, and why it is not a plain yes. */
export function VerificationChip({ view }: { readonly view: VerificationView }): JSX.Element {
  return (
    <>
      <Chip tone={view.tone}>{view.label}</Chip>
      {view.atMs !== null && (
        <When atMs={view.atMs} class="note">
          {view.when}
        </When>
      )}
      {view.reason !== null && <span class={`note ${view.tone === 'bad' ? 'note--bad' : ''}`}>{view.reason}</span>}
    </>
  );
}
