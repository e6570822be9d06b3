import type { CliContext } from '../cli-context.js';
import { cancelTask } from '../client/run-task.js';
import { printJson, withClient, type Globals } from './globals.js';

/** `corral cancel TASK`: after it no token of the task follows. */
export async function cancel(context: CliContext, globals: Globals, taskId: string): Promise<void> {
  await withClient(context, globals, (client) => cancelTask(client, taskId));
  if (globals.json) printJson(context, { task_id: taskId, canceled: true });
  else context.out.write(`canceled ${taskId}\n`);
}
