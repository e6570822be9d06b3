import type { ManifestStatus } from '@corral/contracts';
import type { JSX } from 'preact';
import { Listing } from '../shell/listing.js';
import { EVERY_MS, type PageStore } from '../shell/page-store.js';
import { Panel } from '../shell/panel.js';
import { StaleNote } from '../shell/stale-note.js';
import { useReading } from '../shell/use-store.js';
import { shortDigest } from '../wording/short-digest.js';
import { BindingsPanel } from './bindings-panel.js';
import { manifestVerdict } from './manifest-verdict.js';
import { ReloadLines } from './reload-lines.js';

/** What is served by which manifest, and what became of its last reloads. [U-25 U-26] */
export function ManifestPage({ store }: { readonly store: PageStore }): JSX.Element {
  const reading = useReading(store, { key: 'manifest', everyMs: EVERY_MS.manifest, ask: (api) => api.manifest() });
  return (
    <>
      <StaleNote store={store} reading={reading} everyMs={EVERY_MS.manifest} />
      <Listing reading={reading} lines={6} empty={() => undefined}>
        {(manifest) => <Served store={store} manifest={manifest} />}
      </Listing>
    </>
  );
}

function Served({ store, manifest }: { readonly store: PageStore; readonly manifest: ManifestStatus }): JSX.Element {
  const verdict = manifestVerdict(manifest);
  return (
    <>
      <div class={`verdict verdict--${verdict.tone}`} data-manifest={verdict.tone}>
        <h1>{verdict.title}</h1>
        <p>{verdict.detail}</p>
        {verdict.problem !== null && <p class="verdict__hint">{verdict.problem}</p>}
        <p class="verdict__hint mono">
          {manifest.path !== null && `${manifest.path} · `}
          <span class="muted" title={manifest.hash}>
            {shortDigest(manifest.hash)}
          </span>
        </p>
      </div>
      <BindingsPanel bindings={manifest.bindings} />
      <Panel id="reloads" title="Last reloads" aside="newest first">
        <ReloadLines store={store} manifest={manifest} />
      </Panel>
    </>
  );
}
