import { useEffect, useRef, useState } from 'preact/hooks';
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
      arrive();
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
  arrive();
}

/** Goes on to the place that the address names once it is drawn, which may be long after the page: what stands there has to be asked first. [U-31] */
export function usePlace(path: string): void {
  const place = useRef('');
  useEffect(() => void (place.current = location.hash.slice(1)), [path]);
  useEffect(() => {
    const target = place.current === '' ? null : document.getElementById(place.current);
    if (target === null) return;
    place.current = '';
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  });
}

function arrive(): void {
  scrollTo(0, 0);
  document.getElementById('content')?.focus({ preventScroll: true });
}

/** Where a plain click on a link of ours leads; null for every other click, such as one that opens a tab. */
function targetOf(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.origin !== location.origin || !link.pathname.startsWith(HOME)) return null;
  // A place on the page that is shown is the browser's business.
  return link.hash !== '' && link.pathname === location.pathname ? null : `${link.pathname}${link.hash}`;
}
