import type { JSX } from 'preact';
import { Bar } from '../shell/bar.js';
import { Chip } from '../shell/chip.js';
import { ModelLink, NodeLink } from '../shell/links.js';
import { counted } from '../wording/counted.js';
import type { GcDiskView, GcLine, GcNodeView, GcView } from './gc-view.js';

/** What goes, what stays, and the disk before and after, node by node. [U-28] */
export function GcNodes({ view, kind }: { readonly view: GcView; readonly kind: 'plan' | 'report' }): JSX.Element {
  return (
    <ul class="rows" data-gc={kind} aria-live="polite">
      {view.nodes.map((node) => (
        <Node key={node.nodeId} node={node} />
      ))}
    </ul>
  );
}

function Node({ node }: { readonly node: GcNodeView }): JSX.Element {
  const { nodeId, tone, title, disk, gone, kept, problem } = node;
  return (
    <li class="row" data-gc-node={nodeId}>
      <div class="row__head">
        <strong>
          <NodeLink id={nodeId} />
        </strong>
        <Chip tone={tone}>{title}</Chip>
      </div>
      {problem !== null && <p class="problem">{problem}</p>}
      {disk !== null && (
        <div class="disk">
          <Disk label="Disk before" view={disk.before} />
          <Disk label="Disk after" view={disk.after} />
          <p class="note disk__limits">
            {disk.path}; limits: {disk.thresholds}
          </p>
        </div>
      )}
      {gone.length > 0 && <Lines lines={gone} attribute="gone" />}
      {kept.length > 0 && (
        <details class="fold">
          <summary>{counted(kept.length, 'entry stays', 'entries stay')}, and why</summary>
          <Lines lines={kept} attribute="kept" />
        </details>
      )}
    </li>
  );
}

function Disk({ label, view }: { readonly label: string; readonly view: GcDiskView }): JSX.Element {
  return (
    <>
      <span class="muted">{label}</span>
      <Bar label={label} text={view.text} parts={[{ key: 'used', fraction: view.fraction, className: 'hue-0' }]} />
      <span class="figures">{view.text}</span>
    </>
  );
}

function Lines({ lines, attribute }: { readonly lines: readonly GcLine[]; readonly attribute: 'gone' | 'kept' }): JSX.Element {
  return (
    <ul class="ledger">
      {lines.map(({ key, id, isModel, rule, bytes, problem }) => (
        <li key={key} {...{ [`data-${attribute}`]: id }}>
          <span class="ledger__id">{isModel ? <ModelLink id={id} /> : id}</span>
          <span class="muted">{rule}</span>
          {bytes !== null && <span class="figures ledger__bytes">{bytes}</span>}
          {problem !== null && <span class="note note--bad">{problem}</span>}
        </li>
      ))}
    </ul>
  );
}
