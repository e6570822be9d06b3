import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { ModelPage } from '../catalog/model-page.js';
import { ModelsPage } from '../catalog/models-page.js';
import { InstancePage } from '../instances/instance-page.js';
import { ManifestPage } from '../manifest/manifest-page.js';
import { PoolPage } from '../pools/pool-page.js';
import { staleNotice } from '../poll/stale-notice.js';
import { accessGate } from './access-gate.js';
import { FailureBoundary } from './failure-boundary.js';
import { KeyForm } from './key-form.js';
import { usePath, usePlace } from './navigation.js';
import { EVERY_MS, type PageStore } from './page-store.js';
import { HOME, routeOf, titleOf, type Route } from './route.js';
import { TopNav } from './top-nav.js';
import { useNowMs, useStore } from './use-store.js';

/** The frame of every page: whose server it is, how fresh the numbers are, and the key. */
export function App({ store }: { readonly store: PageStore }): JSX.Element {
  useStore(store);
  const path = usePath();
  usePlace(path);
  const route = routeOf(path);
  const title = titleOf(route);
  useEffect(() => void (document.title = title), [title]);
  const gate = accessGate(store.pools.reading.failure, store.instances.reading.failure, store.hasKey);
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="top">
        <a class="top__name" href={HOME}>
          <img src={`${HOME}mark.svg`} alt="" width={24} height={24} />
          Corral
        </a>
        {gate === null && <TopNav route={route} />}
        {gate === null && <Freshness store={store} />}
        {store.hasKey && (
          <button type="button" class="button button--quiet top__key" onClick={() => store.forgetKey()}>
            Forget key
          </button>
        )}
      </header>
      <main id="content" tabIndex={-1}>
        <FailureBoundary key={path}>{gate === null ? <Page key={path} store={store} route={route} /> : <KeyForm gate={gate} onKey={(key) => store.keepKey(key)} />}</FailureBoundary>
      </main>
    </>
  );
}

function Page({ store, route }: { readonly store: PageStore; readonly route: Route }): JSX.Element {
  if (route.page === 'pool') return <PoolPage store={store} />;
  if (route.page === 'models') return <ModelsPage store={store} />;
  if (route.page === 'model') return <ModelPage store={store} modelId={route.modelId} />;
  if (route.page === 'manifest') return <ManifestPage store={store} />;
  if (route.page === 'instance') return <InstancePage store={store} name={route.name} />;
  return (
    <div class="key-form">
      <h1>There is no such page</h1>
      <p>Nothing is at {route.path}.</p>
      <p>
        <a href={HOME}>Go to the pool page</a>
      </p>
    </div>
  );
}

/** Says how old the numbers are. */
function Freshness({ store }: { readonly store: PageStore }): JSX.Element {
  const { reading } = store.pools.reading.failure?.kind === 'not_allowed' ? store.instances : store.pools;
  const { state, text, spoken } = staleNotice(reading, EVERY_MS.pools, useNowMs(store));
  return (
    <div class={`fresh fresh--${state}`}>
      <span class="chip__dot" aria-hidden="true" />
      <span data-freshness={state}>{text}</span>
      <span class="unseen" role="status">
        {spoken}
      </span>
    </div>
  );
}
