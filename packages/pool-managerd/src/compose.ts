import { openIntent } from './compose/catalog.js';
import { buildCore } from './compose/core.js';
import type { News } from './compose/core.js';
import { openGround } from './compose/ground.js';
import type { NodeParts } from './compose/ground.js';
import { openBus } from './compose/open-bus.js';
import { startReports } from './compose/reports.js';
import { serve } from './compose/server.js';
import { nodeStateBuilder } from './node/node-state.js';
import { VERSION } from './version.js';

/** A node that listens and works until its shutdown runs. */
export interface RunningNode {
  readonly url: string;
  readonly nodeId: string;
  readonly incarnation: string;
}

/** Starts a node. Rejects when it cannot: another one has its state directory, or the address is taken. */
export async function startNode(parts: NodeParts): Promise<RunningNode> {
  const ground = await openGround(parts);
  const news: News = { round: () => {}, changed: () => {}, deleted: () => {}, happened: () => {}, refreshIntent: () => Promise.resolve() };
  const core = buildCore(ground, news);
  const link = await openBus(ground);
  const intent = await openIntent(ground, { deleteModel: core.disposal.deleteModel, client: link.client, onApplied: () => news.changed() });
  news.refreshIntent = () => intent.refresh();
  const state = nodeStateBuilder({ ...ground, intent, version: VERSION, view: core.view, staging: core.staging, speeds: core.speeds, eventBus: () => link.status() });
  const server = await serve(ground, core, { state, intake: link.intake, intent });
  await startReports(ground, core, { state, server, news, link, intent });
  core.engines.registerBuiltIn();
  core.external.follow();
  core.reconciler.poke();
  return { url: server.url, nodeId: ground.nodeId, incarnation: ground.incarnation };
}
