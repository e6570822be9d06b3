import { CatalogModel, CatalogModelList, Operation, validator } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import { createProgressReporter } from '../render/progress-reporter.js';
import { allPages } from './all-pages.js';
import type { CorralClient } from './corral-client.js';

const checkModel = validator(CatalogModel);
const checkModels = validator(CatalogModelList);
const checkOperation = validator(Operation);

const LOOK_EVERY_MS = 300;

/** The path of one model of the catalog. */
export function modelPath(modelId: string, rest = ''): string {
  return `/v2/catalog/models/${encodeURIComponent(modelId)}${rest}`;
}

export function fetchModel(client: CorralClient, modelId: string): Promise<CatalogModel> {
  return client.get(modelPath(modelId), checkModel);
}

/** Every model that the filters let through; `null` sets none. */
export function fetchModels(client: CorralClient, filters: Readonly<Record<string, string | undefined>>): Promise<CatalogModel[]> {
  const query = Object.entries(filters).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]));
  return allPages(client, `/v2/catalog/models${query.length === 0 ? '' : `?${query.join('&')}`}`, checkModels);
}

/** A call that answers with the model. */
export function changeModel(client: CorralClient, method: 'patch' | 'post' | 'put', path: string, body?: unknown): Promise<CatalogModel> {
  return client[method](path, body, checkModel);
}

export interface OperationCall {
  readonly path: string;
  readonly body?: unknown;
  /** Default `post`. */
  readonly method?: 'post' | 'delete';
  readonly label: string;
  /** Told of its end before what it failed with is thrown. */
  readonly onEnded?: (operation: Operation) => void;
}

/** Begins an operation of the catalog, and follows it to its end with its progress; Ctrl-C leaves it to the server. Throws what it failed with. */
export async function runOperation(context: CliContext, client: CorralClient, { path, body, method, label, onEnded }: OperationCall): Promise<Operation> {
  const { clock, signals } = context;
  const stopped = new AbortController();
  const stop = (signal: 'SIGINT' | 'SIGTERM') => signals.on(signal, () => stopped.abort(new CliFailure('stopped; the server goes on', { exitCode: signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated })));
  const off = [stop('SIGINT'), stop('SIGTERM')];
  const progress = createProgressReporter(context.err, clock);
  try {
    const options = { signal: stopped.signal };
    let operation = await (method === 'delete' ? client.delete(path, checkOperation, options) : client.post(path, body, checkOperation, options));
    while (operation.state === 'running') {
      const percent = operation.progress === null ? '' : `, ${Math.floor(operation.progress * 100)} %`;
      progress.show({ label: `${label}: ${operation.detail ?? operation.phase}${percent}`, doneBytes: null, totalBytes: null });
      await clock.sleep(LOOK_EVERY_MS, stopped.signal).catch(() => undefined);
      operation = await client.get(`/v2/operations/${encodeURIComponent(operation.operation_id)}`, checkOperation, options);
    }
    progress.clear();
    onEnded?.(operation);
    if (operation.error !== null) throw new CliFailure(operation.error.message, { next: operation.error.hint ?? 'corral logs tells more' });
    return operation;
  } finally {
    progress.clear();
    for (const end of off) end();
  }
}
