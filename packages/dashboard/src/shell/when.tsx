import type { ComponentChildren, JSX } from 'preact';

interface WhenProps {
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly class?: string;
  /** How long ago that is, in words. */
  readonly children: ComponentChildren;
}

/** A moment as its distance from now; its date and time of day are told on hover, and to programs. [U-32] */
export function When({ atMs, class: className = '', children }: WhenProps): JSX.Element {
  const at = new Date(atMs);
  return (
    <time class={`figures ${className}`.trim()} dateTime={at.toISOString()} title={at.toLocaleString()}>
      {children}
    </time>
  );
}
