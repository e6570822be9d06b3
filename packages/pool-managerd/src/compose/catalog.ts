import { join } from 'node:path';
import type { NodeCatalog } from '@corral/contracts';
import { describeProblems, NodeCatalog as NodeCatalogSchema, validator } from '@corral/contracts';
import type { HttpClient } from '@corral/service-kit';
import { CatalogJobs } from '../models/catalog-jobs.js';
import { IntentKeeper } from '../models/intent-keeper.js';
import { LastUses } from '../models/last-uses.js';
import type { EnsureModel, ModelPresence } from '../models/model-presence.js';
import type { ModelWorkBook } from '../models/model-work-book.js';
import type { Disposal } from './gc.js';
import type { Ground } from './ground.js';

export interface JobParts {
  readonly ensure: EnsureModel;
  areDevicesKnown(): boolean;
  readonly presence: ModelPresence;
  readonly book: ModelWorkBook;
}

/** Builds what is done to the node's own catalog by hand. */
export function buildJobs({ config, clock, log, catalog: store, operations }: Ground, { ensure, areDevicesKnown, presence, book }: JobParts): CatalogJobs {
  return new CatalogJobs({ operations, store, ensure, areDevicesKnown, presence, book, concurrency: config.models.concurrency, clock, log });
}

/** Notes uses of files, and writes them now and then until the daemon stops. */
export function keepLastUses({ catalog: store, clock, log, shutdown }: Ground): LastUses {
  const uses = new LastUses({ store, clock, log });
  const stop = new AbortController();
  const running = uses.run(stop.signal);
  shutdown.add('last uses', async () => {
    stop.abort(new Error('the daemon stops'));
    await running;
  });
  return uses;
}

const checkIntent = validator(NodeCatalogSchema);

/** Opens what is known of the operators' intent and keeps the entries alike. [D-61] */
export async function openIntent({ nodeId, config, clock, log, catalog: store, shutdown }: Ground, { deleteModel, client, onApplied }: { readonly deleteModel: Disposal['deleteModel']; readonly client: HttpClient; readonly onApplied: () => void }): Promise<IntentKeeper> {
  const stop = new AbortController();
  const pull = async (): Promise<NodeCatalog> => {
    const answer = checkIntent(await client.json('GET', `/v2/nodes/${encodeURIComponent(nodeId)}/catalog`, undefined, { signal: stop.signal }));
    if (!answer.ok) throw new Error(`the catalog of ${client.peer} is wrong: ${describeProblems(answer.problems.slice(0, 3))}; run the same version on both sides`);
    return answer.value;
  };
  const keeper = await IntentKeeper.open({ path: join(config.state_dir, 'node', 'intent.json'), store, deleteModel, clock, log, pull, onApplied });
  shutdown.add('intent', async () => {
    stop.abort(new Error('the daemon stops'));
    await keeper.close();
  });
  return keeper;
}
