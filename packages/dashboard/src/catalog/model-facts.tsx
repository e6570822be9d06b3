import type { CatalogModel } from '@corral/contracts';
import type { ComponentChildren, JSX } from 'preact';
import { Panel } from '../shell/panel.js';
import { When } from '../shell/when.js';
import { counted } from '../wording/counted.js';
import { formatAge } from '../wording/format-age.js';
import { formatSize } from '../wording/format-size.js';
import { modelRow } from './model-row.js';
import { VerificationChip } from './verification-chip.js';

/** What the catalog says of a model. [U-21] */
export function ModelFacts({ model, nowMs }: { readonly model: CatalogModel; readonly nowMs: number }): JSX.Element {
  const { trust } = model;
  const row = modelRow(model, nowMs);
  const kind = [model.architecture, model.quant].filter((part) => part !== null).join(', ');
  const signed = [trust.signatures.length === 0 ? null : counted(trust.signatures.length, 'signature'), trust.sbom === null ? null : 'a bill of materials', trust.policy?.mode === 'strict' ? 'strict policy' : null].filter((part) => part !== null);
  return (
    <Panel id="facts" title="Entry" aside={row.origin}>
      <dl class="sheet">
        <Line label="Sources">
          {model.sources.length === 0 && <span class="muted">none: only a node that has the file can serve it</span>}
          {model.sources.map((source) => (
            <span key={source} class="mono sheet__item">
              {source}
            </span>
          ))}
        </Line>
        <Line label="Digest">
          {row.digest === null ? <span class="muted">not known yet</span> : <span class="mono">{row.digest.full}</span>}
          {row.digest?.isGiven === false && <span class="note">of the file that is there; none was given, so that another file would be taken too</span>}
        </Line>
        <Line label="Verification">
          <VerificationChip view={row.verification} />
        </Line>
        <Line label="Size">{model.size_bytes === null ? <span class="muted">not known before it is fetched</span> : formatSize(model.size_bytes)}</Line>
        {kind !== '' && <Line label="Kind">{kind}</Line>}
        {model.train_context !== null && <Line label="Trained for">{model.train_context.toLocaleString('en-US')} tokens</Line>}
        {model.tags.length > 0 && <Line label="Tags">{model.tags.join(', ')}</Line>}
        {signed.length > 0 && <Line label="Trust">{signed.join(', ')}</Line>}
        <Line label="Known">
          <When atMs={model.created_ms}>for {formatAge(nowMs - model.created_ms)}</When>, <When atMs={model.updated_ms}>changed {formatAge(nowMs - model.updated_ms)} ago</When>
          {row.used !== null && `, ${row.used}`}
        </Line>
      </dl>
      {trust.warnings.map((warning) => (
        <p key={warning} class="problem problem--warn">
          {warning}
        </p>
      ))}
    </Panel>
  );
}

function Line({ label, children }: { readonly label: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class="sheet__line">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
