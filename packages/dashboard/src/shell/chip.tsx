import type { ComponentChildren, JSX } from 'preact';
import type { Tone } from '../wording/tone.js';

/** A state in a word: its colour never says more than its text. */
export function Chip({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }): JSX.Element {
  return (
    <span class={`chip chip--${tone}`}>
      <span class="chip__dot" aria-hidden="true" />
      {children}
    </span>
  );
}
