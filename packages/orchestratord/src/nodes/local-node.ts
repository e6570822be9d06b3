import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isLoopbackHost } from '@corral/service-kit';

/** What tells whether a node is on this host. */
export interface ThisHost {
  /** As nodes report theirs; `null` where the system has none. */
  readonly machineId: string | null;
  readonly hostName: string;
}

/** Reads the identity of this host. */
export async function thisHost(): Promise<ThisHost> {
  const text = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return { machineId: text.trim() === '' ? null : text.trim(), hostName: hostname() };
}

/** Whether `node: local` of a manifest means this node: it is reached over loopback, or has this host's machine id or name. */
export function isLocalNode(node: { readonly nodeId: string; readonly address: string; readonly machineId: string | null }, host: ThisHost): boolean {
  const address = URL.canParse(node.address) ? new URL(node.address).hostname.replaceAll(/[[\]]/g, '') : '';
  if (isLoopbackHost(address) || address === host.hostName) return true;
  return node.machineId !== null && (node.machineId === host.machineId || node.machineId === host.hostName);
}
