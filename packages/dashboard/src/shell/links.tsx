import type { JSX } from 'preact';
import { modelPath, nodePath, poolPath } from './route.js';

interface LinkProps {
  readonly id: string;
}

/** Leads to the page of a model. [U-31] */
export function ModelLink({ id }: LinkProps): JSX.Element {
  return (
    <a class="link" href={modelPath(id)}>
      {id}
    </a>
  );
}

/** Leads to the card of a pool. [U-31] */
export function PoolLink({ id }: LinkProps): JSX.Element {
  return (
    <a class="link" href={poolPath(id)}>
      {id}
    </a>
  );
}

/** Leads to the line of a node. [U-31] */
export function NodeLink({ id }: LinkProps): JSX.Element {
  return (
    <a class="link" href={nodePath(id)}>
      {id}
    </a>
  );
}
