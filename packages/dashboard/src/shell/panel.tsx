import type { ComponentChildren, JSX } from 'preact';

export interface PanelProps {
  readonly id: string;
  readonly title: string;
  /** Beside the title, such as a count. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A part of a page with its heading. */
export function Panel({ id, title, aside, children }: PanelProps): JSX.Element {
  return (
    <section class="panel" aria-labelledby={`${id}-title`} data-panel={id}>
      <header class="panel__head">
        <h2 id={`${id}-title`}>{title}</h2>
        {aside !== undefined && <span class="panel__aside">{aside}</span>}
      </header>
      {children}
    </section>
  );
}

/** What stands where a list has nothing: why, and what to do. */
export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** Lines of the height of what is about to come, so that nothing moves when it does. */
export function Loading({ lines }: { readonly lines: number }): JSX.Element {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, n) => (
        <span key={n} class="loading__line" />
      ))}
    </div>
  );
}
