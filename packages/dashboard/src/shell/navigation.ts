import { useEffect, useState } from 'preact/hooks';
import { HOME } from './route.js';

/** The path that is shown. Links within the application change it without a new document, so that what the page gathered stays. */
export function usePath(): string {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const follow = (): void => setPath(location.pathname);
    const click = (event: MouseEvent): void => {
      const target = targetOf(event);
      if (target === null) return;
      event.preventDefault();
      history.pushState(null, '', target);
      follow();
      scrollTo(0, 0);
      document.getElementById('content')?.focus({ preventScroll: true });
    };
    addEventListener('popstate', follow);
    document.addEventListener('click', click);
    return () => {
      removeEventListener('popstate', follow);
      document.removeEventListener('click', click);
    };
  }, []);
  return path;
}

/** Goes to a page of the application, as a link would. */
export function goTo(path: string): void {
  history.pushState(null, '', path);
  dispatchEvent(new PopStateEvent('popstate'));
  scrollTo(0, 0);
  document.getElementById('content')?.focus({ preventScroll: true });
}

/** Where a plain click on a link of ours leads; null for every other click, such as one that opens a tab. */
function targetOf(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.origin !== location.origin || !link.pathname.startsWith(HOME) || link.hash !== '') return null;
  return link.pathname;
}
