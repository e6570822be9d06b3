import { ModelPurged, ModelVerified, validator, type CatalogModel, type Operation } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { CliFailure, wrongUse } from '../cli-failure.js';
import { changeModel, fetchModel, modelPath, runOperation } from '../client/catalog-calls.js';
import { EXIT } from '../exit-code.js';
import { printJson, withClient, type Globals } from './globals.js';

const checkPurged = validator(ModelPurged);
const checkVerified = validator(ModelVerified);

/** `corral models pin MODEL`. [D-37] */
export async function modelsPin(context: CliContext, globals: Globals, modelId: string): Promise<void> {
  const model = await withClient(context, globals, (client) => changeModel(client, 'put', modelPath(modelId, '/pin')));
  tell(context, globals, model, `${model.id} is pinned`);
}

/** `corral models unpin MODEL`. */
export async function modelsUnpin(context: CliContext, globals: Globals, modelId: string): Promise<void> {
  const model = await withClient(context, globals, async (client) => {
    await client.remove(modelPath(modelId, '/pin'));
    return fetchModel(client, modelId);
  });
  tell(context, globals, model, `${model.id} is not pinned`);
}

/** `corral models retire MODEL`: no new task, no load; what runs may finish, until the deadline. [B-93] */
export async function modelsRetire(context: CliContext, globals: Globals & { readonly deadline?: string | undefined }, modelId: string): Promise<void> {
  const deadlineMs = globals.deadline === undefined ? undefined : secondsOf(globals.deadline) * 1_000;
  const model = await withClient(context, globals, (client) => changeModel(client, 'patch', modelPath(modelId, '/state'), { state: 'Retired', ...(deadlineMs === undefined ? {} : { deadline_ms: deadlineMs }) }));
  const until = deadlineMs === undefined ? 'what runs may finish' : `what still runs after ${deadlineMs / 1_000} s is cut`;
  tell(context, globals, model, `${model.id} is retired; ${until}`);
}

/** `corral models activate MODEL`. */
export async function modelsActivate(context: CliContext, globals: Globals, modelId: string): Promise<void> {
  const model = await withClient(context, globals, (client) => changeModel(client, 'patch', modelPath(modelId, '/state'), { state: 'Active' }));
  tell(context, globals, model, `${model.id} is active`);
}

/** `corral models rm MODEL`: entry and files go, here and on every node; what became of it on each is said also where one keeps it. [G-09] */
export async function modelsRm(context: CliContext, globals: Globals, modelId: string): Promise<void> {
  const onEnded = ({ state, result }: Operation): void => {
    const purged = checkPurged(result);
    const nodes = purged.ok ? purged.value.nodes : [];
    if (globals.json) return printJson(context, { id: modelId, removed: state === 'succeeded', nodes });
    for (const { node_id, outcome, reason } of nodes) context.out.write(`${modelId} on ${node_id}: ${outcome}${reason === null ? '' : `, ${reason}`}\n`);
    if (state === 'succeeded') context.out.write(`${modelId} is removed\n`);
  };
  await withClient(context, globals, (client) => runOperation(context, client, { method: 'delete', path: modelPath(modelId, '?purge=true&wait=false'), label: `removing ${modelId}`, onEnded }));
}

/** `corral models verify MODEL`: every node that has the file reads it again. Exit code 1 where one does not pass. [B-92] */
export async function modelsVerify(context: CliContext, globals: Globals, modelId: string): Promise<number> {
  const { result } = await withClient(context, globals, (client) => runOperation(context, client, { path: modelPath(modelId, '/verify'), label: `verifying ${modelId}` }));
  const checked = checkVerified(result);
  if (!checked.ok) throw new CliFailure('the server answered what this version cannot read', { next: 'use the corral command of the version that the server runs' });
  const { value } = checked;
  if (globals.json) printJson(context, value);
  else for (const node of value.nodes) context.out.write(`${modelId} on ${node.node_id}: ${node.result}, ${node.reason}\n`);
  return value.result === 'fail' ? EXIT.failed : EXIT.done;
}

function secondsOf(text: string): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (seconds >= 0 && seconds <= 86_400) return seconds;
  throw wrongUse(`--deadline ${text} is no number of seconds`, 'give a number from 0 to 86400');
}

function tell(context: CliContext, { json }: Globals, document: CatalogModel | object, line: string): void {
  if (json) printJson(context, document);
  else context.out.write(`${line}\n`);
}
