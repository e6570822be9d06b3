import { EngineBundle, NodeEngineList, NodeList, Operation, validator, type EngineAdd, type EnginePatch } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { CliFailure } from '../cli-failure.js';
import type { CorralClient } from '../client/corral-client.js';
import { EXIT } from '../exit-code.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

type Engine = NodeEngineList['data'][number];
type EngineGlobals = Globals & { readonly node?: string | undefined };

const checkList = validator(NodeEngineList);
const checkBundle = validator(EngineBundle);
const checkNodes = validator(NodeList);
const checkOperation = validator(Operation);
const DEVICE_KINDS = ['cpu', 'cuda', 'vulkan', 'metal'] as const;
const POLL_MS = 250;

/** `corral engines ls`: the builds of the engine that the nodes have, and which serve. [D-11] */
export async function enginesLs(context: CliContext, globals: EngineGlobals): Promise<number> {
  const { data, unreachable } = await withClient(context, globals, (client) => client.get('/v2/engines', checkList));
  for (const { node_id, message } of unreachable) context.err.write(`${node_id}: ${message}\n`);
  const shown = globals.node === undefined ? data : data.filter(({ node_id }) => node_id === globals.node);
  if (globals.json) printJson(context, shown);
  else context.out.write(`${shown.length === 0 ? 'no engines; corral nodes shows whether a node reports' : renderEngines(shown, context.colors)}\n`);
  return EXIT.done;
}

/** `corral engines add`: a prebuilt package that lies on the node, or a local build. [D-25] */
export async function enginesAdd(context: CliContext, globals: EngineGlobals, request: EngineAdd): Promise<number> {
  return await followed(context, globals, (nodeId) => ({ path: `/v2/nodes/${encodeURIComponent(nodeId)}/engines`, body: request }));
}

/** `corral engines add external URL`: a llama-server that runs by itself. [D-80] */
export async function enginesAttach(context: CliContext, globals: EngineGlobals & { readonly id?: string; readonly model?: string; readonly digest?: string; readonly deviceKind: string }, url: string): Promise<number> {
  const { id, model, digest, deviceKind } = globals;
  const kind = DEVICE_KINDS.find((known) => known === deviceKind);
  if (kind === undefined) throw new CliFailure(`"${deviceKind}" is no kind of device`, { next: `write one of ${DEVICE_KINDS.join(', ')}`, exitCode: EXIT.wrongUse });
  return await enginesAdd(context, globals, { mode: 'external', url, device_kind: kind, ...(id !== undefined && { engine_id: id }), ...(model !== undefined && { model_id: model }), ...(digest !== undefined && { digest }) });
}

/** `corral engines verify|use ENGINE`. [D-74 D-76] */
export async function enginesDo(context: CliContext, globals: EngineGlobals, { what, engineId }: { readonly what: 'verify' | 'use'; readonly engineId: string }): Promise<number> {
  return await followed(context, globals, (nodeId) => ({ path: `${pathOf(nodeId, engineId)}/${what}` }));
}

/** `corral engines pin|unpin|retire|activate ENGINE`. */
export async function enginesChange(context: CliContext, globals: EngineGlobals, { engineId, change }: { readonly engineId: string; readonly change: EnginePatch }): Promise<number> {
  const engine = await withClient(context, globals, async (client) => client.patch(pathOf(await nodeOf(client, globals), engineId), change, checkBundle));
  if (globals.json) printJson(context, engine);
  else context.out.write(`${engine.engine_id} is ${engine.state}${engine.pinned ? ', pinned' : ''}\n`);
  return EXIT.done;
}

/** `corral engines rm ENGINE`: deletes one that nobody uses. [D-75] */
export async function enginesRm(context: CliContext, globals: EngineGlobals, engineId: string): Promise<number> {
  const nodeId = await withClient(context, globals, async (client) => {
    const node = await nodeOf(client, globals);
    await client.remove(pathOf(node, engineId));
    return node;
  });
  if (globals.json) printJson(context, { node_id: nodeId, engine_id: engineId, deleted: true });
  else context.out.write(`${engineId} is deleted on ${nodeId}\n`);
  return EXIT.done;
}

async function followed(context: CliContext, globals: EngineGlobals, call: (nodeId: string) => { readonly path: string; readonly body?: unknown }): Promise<number> {
  const operation = await withClient(context, globals, async (client) => {
    const { path, body } = call(await nodeOf(client, globals));
    return await toItsEnd(context, client, await client.post(path, body, checkOperation));
  });
  if (globals.json) printJson(context, operation);
  if (operation.error !== null) {
    if (globals.json) return EXIT.failed;
    throw new CliFailure(operation.error.message, { next: 'see corral engines ls' });
  }
  // A bundle names its engine; an outcome has the bundle there.
  const { engine } = (operation.result ?? {}) as { readonly engine?: unknown };
  const checked = checkBundle(typeof engine === 'object' ? engine : operation.result);
  if (!globals.json && checked.ok) context.out.write(`${outcomeOf(checked.value)}\n`);
  return checked.ok && checked.value.verification.result === 'fail' ? EXIT.failed : EXIT.done;
}

async function toItsEnd({ err, clock }: CliContext, client: CorralClient, begun: Operation): Promise<Operation> {
  let operation = begun;
  let told = '';
  while (operation.state === 'running') {
    const line = `${operation.phase}${operation.progress === null ? '' : ` ${Math.floor(operation.progress * 10) * 10} %`}`;
    if (line !== told) err.write(`${line}\n`);
    told = line;
    await clock.sleep(POLL_MS);
    operation = await client.get(`/v2/operations/${encodeURIComponent(operation.operation_id)}`, checkOperation);
  }
  return operation;
}

/** The node that is meant: the one that is named, else the only one. */
async function nodeOf(client: CorralClient, { node }: EngineGlobals): Promise<string> {
  if (node !== undefined) return node;
  const { data } = await client.get('/v2/nodes', checkNodes);
  const [only, ...others] = data.filter(({ online }) => online);
  if (only !== undefined && others.length === 0) return only.node_id;
  throw new CliFailure(only === undefined ? 'no node reports' : `there are ${others.length + 1} nodes`, { next: only === undefined ? 'see corral nodes' : `name one with --node, such as --node ${only.node_id}`, exitCode: EXIT.wrongUse });
}

function pathOf(nodeId: string, engineId: string): string {
  return `/v2/nodes/${encodeURIComponent(nodeId)}/engines/${encodeURIComponent(engineId)}`;
}

export function renderEngines(engines: readonly Engine[], colors: Colors): string {
  const rows = engines.map((engine) => [engine.node_id, engine.engine_id, engine.mode, engine.version, engine.device_kinds.join(' '), servesOf(engine), engine.external === undefined ? formatBytes(engine.size_bytes) : '', gainOf(engine), engine.verification.result, `${engine.state}${engine.pinned ? ', pinned' : ''}`, engine.digest?.slice(0, 'sha256:'.length + 12) ?? '']);
  return renderTable(['node', 'engine', 'mode', 'version', 'devices', 'serves', 'size', 'gain', 'verified', 'state', 'digest'], rows, colors);
}

/** A server serves its model; a bundle the kinds of devices that it is chosen for. */
function servesOf({ external, used_by }: Pick<Engine, 'external' | 'used_by'>): string {
  if (external !== undefined) return external.model_id;
  return used_by.some((use) => use.startsWith('chosen')) ? 'yes' : 'no';
}

function gainOf({ gain }: Pick<Engine, 'gain'>): string {
  return gain === null ? '' : `prefill ${gain.prefill}×, decode ${gain.decode}×`;
}

function outcomeOf(engine: EngineBundle): string {
  const { external } = engine;
  if (external !== undefined) return `${engine.engine_id}: ${engine.engine} ${engine.version} at ${engine.location} serves ${external.model_id} (${external.slots} slots of ${external.context} tokens) in pool ${external.pool_id}; ${external.capabilities.join(', ')}; ${engine.verification.result}: ${engine.verification.reason}`;
  const serves = engine.chosen_for.length === 0 ? '' : `, serves ${engine.chosen_for.join(' ')}`;
  return `${engine.engine_id}: ${engine.mode} ${engine.version}, ${formatBytes(engine.size_bytes)}${serves}${engine.gain === null ? '' : `, ${gainOf(engine)} of ${engine.gain.against}`}; ${engine.verification.result}: ${engine.verification.reason}`;
}
