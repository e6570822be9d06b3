import type { ComponentChildren, JSX } from 'preact';
import type { Reading } from '../poll/reading.js';
import { Empty, Loading } from './panel.js';

export interface ListingProps<T> {
  readonly reading: Reading<T>;
  readonly lines: number;
  /** Why there is nothing and what to do; undefined where there is something. */
  readonly empty: (value: T) => string | undefined;
  readonly children: (value: T) => ComponentChildren;
}

/** One reading in each of its states: on its way, refused, empty, there. What came once stays while later tries fail. */
export function Listing<T>({ reading, lines, empty, children }: ListingProps<T>): JSX.Element {
  const { value, failure } = reading;
  if (value === null && failure === null) return <Loading lines={lines} />;
  if (value === null) {
    return (
      <div class="problem" role="status">
        <p>
          {failure?.message}
          {failure?.hint != null && <span class="problem__hint">{failure.hint}</span>}
        </p>
      </div>
    );
  }
  const nothing = empty(value);
  return nothing === undefined ? <>{children(value)}</> : <Empty>{nothing}</Empty>;
}
