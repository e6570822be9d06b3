import type { ComponentChildren, JSX } from 'preact';

/** One number or word with its name, inside a list of facts. */
export function Fact({ label, children }: { readonly label: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{label}</dt>
      <dd class="figures">{children}</dd>
    </div>
  );
}
