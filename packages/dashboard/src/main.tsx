import { render } from 'preact';
import { ApiClient } from './api/api-client.js';
import { CorralApi } from './api/corral-api.js';
import { SessionKey, sessionStorageOf } from './api/session-key.js';
import { App } from './shell/app.js';
import { PageStore } from './shell/page-store.js';

const key = new SessionKey(sessionStorageOf(window));
const store = new PageStore({
  api: new CorralApi(new ApiClient({ fetch: (path, init) => fetch(path, init), key: key.current })),
  key,
  clock: {
    nowMs: () => Date.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  },
});

const followVisibility = (): void => (document.visibilityState === 'visible' ? store.start() : store.pause());
document.addEventListener('visibilitychange', followVisibility);
followVisibility();

const page = document.getElementById('page');
if (page === null) throw new Error('index.html has no element with the id page');
render(<App store={store} />, page);
