import type { JSX } from 'preact';
import { HOME, MANIFEST, MODELS, type Route } from './route.js';

type Section = 'pools' | 'models' | 'manifest';

const LINKS: readonly { readonly section: Section; readonly href: string; readonly label: string }[] = [
  { section: 'pools', href: HOME, label: 'Pools' },
  { section: 'models', href: MODELS, label: 'Models' },
  { section: 'manifest', href: MANIFEST, label: 'Manifest' },
];

/** The pages of the application, and which of them this is. */
export function TopNav({ route }: { readonly route: Route }): JSX.Element {
  const here = sectionOf(route);
  return (
    <nav class="nav" aria-label="Pages">
      {LINKS.map(({ section, href, label }) => (
        <a key={section} href={href} aria-current={section === here ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

function sectionOf({ page }: Route): Section | null {
  if (page === 'models' || page === 'model') return 'models';
  if (page === 'manifest') return 'manifest';
  return page === 'unknown' ? null : 'pools';
}
