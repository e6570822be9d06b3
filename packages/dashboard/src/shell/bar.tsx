import type { JSX } from 'preact';
import type { BarPart } from './bar-part.js';

/** A measure of how full something is; its text stands beside it. */
export function Bar({ label, text, parts }: { readonly label: string; readonly text: string; readonly parts: readonly BarPart[] }): JSX.Element {
  const filled = parts.reduce((sum, { fraction }) => sum + fraction, 0);
  return (
    <div class="bar" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(Math.min(1, filled) * 100)} aria-valuetext={text}>
      {parts.filter(({ fraction }) => fraction > 0).map(({ key, fraction, className }) => (
        <span key={key} class={`bar__part ${className}`} style={{ width: `${(Math.min(1, fraction) * 100).toFixed(2)}%` }} />
      ))}
    </div>
  );
}
