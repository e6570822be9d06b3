import type { CliContext } from '../cli-context.js';
import { createCorralClient, type CorralClient, type Server } from '../client/corral-client.js';

/** Options that every command takes. */
export interface Globals {
  readonly json: boolean;
  readonly url?: string | undefined;
  readonly token?: string | undefined;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Flag, else environment, else this machine. An empty variable counts as none. */
function serverOf({ url, token }: Globals, { env }: Pick<CliContext, 'env'>): Server {
  return { url: url ?? (env['CORRAL_URL'] || DEFAULT_URL), token: token ?? (env['CORRAL_TOKEN'] || undefined) };
}

/** Runs `work` with a client of the server that the options name, and closes it. */
export async function withClient<T>(context: CliContext, globals: Globals, work: (client: CorralClient) => Promise<T>): Promise<T> {
  const client = createCorralClient(serverOf(globals, context));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** The one document of `--json`. */
export function printJson({ out }: CliContext, document: unknown): void {
  out.write(`${JSON.stringify(document, null, 2)}\n`);
}
