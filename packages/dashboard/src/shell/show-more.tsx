import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';

interface ShowMoreProps<T> {
  readonly rows: readonly T[];
  /** How many are drawn at first, and with each press. */
  readonly step: number;
  readonly children: (rows: readonly T[]) => ComponentChildren;
}

/** The first rows of a list, and a button for the next ones: what is drawn is drawn again with every answer. */
export function ShowMore<T>({ rows, step, children }: ShowMoreProps<T>): JSX.Element {
  const [max, setMax] = useState(step);
  return (
    <>
      {children(rows.slice(0, max))}
      {rows.length > max && (
        <button type="button" class="button" onClick={() => setMax(max + step)}>
          Show more ({(rows.length - max).toLocaleString('en-US')} left)
        </button>
      )}
    </>
  );
}
