import { Instance, InstanceEventList, InstanceList, validator, type InstanceEvent } from '@corral/contracts';
import { wrongUse } from '../cli-failure.js';
import type { CallOptions, CorralClient } from './corral-client.js';

/** What names an instance on the command line. */
export interface InstanceName {
  readonly org: string;
  readonly instance: string;
}

const checkInstance = validator(Instance);
const checkList = validator(InstanceList);
const checkEvents = validator(InstanceEventList);
const PAGE = 1_000;

/** `ORG/INSTANCE`, or an instance of `org`. */
export function instanceNamed(text: string, org: string): InstanceName {
  const [first = '', second, ...rest] = text.split('/');
  if (first === '' || second === '' || rest.length > 0) throw wrongUse(`${text} names no instance`, 'write ORG/INSTANCE, or INSTANCE and --org');
  return second === undefined ? { org, instance: first } : { org: first, instance: second };
}

/** Where the calls of one instance begin. */
export function instancePath({ org, instance }: InstanceName): string {
  return `${instancesPath(org)}/${encodeURIComponent(instance)}`;
}

function instancesPath(org: string): string {
  return `/api/orgs/${encodeURIComponent(org)}/instances`;
}

export function fetchInstance(client: CorralClient, name: InstanceName, options: CallOptions = {}): Promise<Instance> {
  return client.get(instancePath(name), checkInstance, options);
}

/** Every instance of an org, over all pages. */
export async function fetchInstances(client: CorralClient, org: string): Promise<Instance[]> {
  const all: Instance[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: InstanceList = await client.get(`${instancesPath(org)}?limit=${PAGE}${after}`, checkList);
    all.push(...page.data);
    cursor = page.next_cursor;
  }
  return all;
}

/** The newest events of an instance, newest first. */
export async function fetchInstanceEvents(client: CorralClient, name: InstanceName, limit: number): Promise<InstanceEvent[]> {
  return (await client.get(`${instancePath(name)}/events?limit=${limit}`, checkEvents)).data;
}

export function createInstance(client: CorralClient, org: string, body: unknown): Promise<Instance> {
  return client.post(instancesPath(org), body, checkInstance);
}

export function changeInstance(client: CorralClient, name: InstanceName, body: unknown): Promise<Instance> {
  return client.patch(instancePath(name), body, checkInstance);
}
