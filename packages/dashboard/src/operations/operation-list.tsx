import type { Operation } from '@corral/contracts';
import type { JSX } from 'preact';
import { Chip } from '../shell/chip.js';
import { ModelLink } from '../shell/links.js';
import { When } from '../shell/when.js';
import { operationRow } from './operation-row.js';

export interface OperationListProps {
  readonly operations: readonly Operation[];
  readonly nowMs: number;
  /** False where all are of the one thing that the page is about. */
  readonly namesSubject?: boolean;
}

/** Operations with their progress and what came of them. [U-24] */
export function OperationList({ operations, nowMs, namesSubject = true }: OperationListProps): JSX.Element {
  return (
    <ul class="rows">
      {operations.map((operation) => (
        <Line key={operation.operation_id} operation={operation} nowMs={nowMs} namesSubject={namesSubject} />
      ))}
    </ul>
  );
}

function Line({ operation, nowMs, namesSubject }: { readonly operation: Operation } & Required<Pick<OperationListProps, 'nowMs' | 'namesSubject'>>): JSX.Element {
  const row = operationRow(operation, nowMs);
  return (
    <li class="row" data-operation={operation.kind} data-state={operation.state}>
      <div class="row__head">
        <strong>{row.what}</strong>
        {namesSubject && <span class="wraps">{row.modelId === null ? row.subject : <ModelLink id={row.modelId} />}</span>}
        <Chip tone={row.tone}>{row.label}</Chip>
        <When atMs={row.atMs} class="muted row__end">
          {row.when}
        </When>
      </div>
      {row.isRunning && (row.fraction === null ? <progress aria-label={`${row.what} ${row.subject}`} /> : <progress max={1} value={row.fraction} aria-label={`${row.what} ${row.subject}`} />)}
      {row.note !== null && <p class="figures">{row.note}</p>}
      {row.problem !== null && <p class="problem">{row.problem}</p>}
      {row.nodes.length > 0 && (
        <ul>
          {row.nodes.map(({ nodeId, tone, text }) => (
            <li key={nodeId} class="place">
              <span>{nodeId}</span>
              <Chip tone={tone}>{text}</Chip>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
