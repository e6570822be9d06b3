import { expect, test } from '@jest/globals';
import { API_ROUTES, openApiDocument } from '@corral/contracts';
import { knownRoutes, silentLog } from '@corral/service-kit';
import { createApp, type AppParts } from '../src/app.js';

/** Registering routes calls nothing of what they will call. */
const app = createApp({ http: { log: silentLog, metricsText: () => Promise.resolve('') }, meta: {}, dashboard: { site: new Map() }, tasks: {}, openAi: {}, nodes: {}, pools: {}, poolOperations: {}, gc: {}, engines: {}, staging: {}, catalog: {}, catalogWork: {}, events: {}, admin: {}, instances: {}, chat: {}, stats: {}, reloads: {} } as unknown as AppParts);
const served = knownRoutes(app).flatMap(({ path, methods }) => methods.map((method) => `${method} ${path.replaceAll(/[:*](\w+)/g, '{$1}')}`));

test('I-08 every call of the document is served, and every call that is served is in the document', () => {
  expect(served.toSorted()).toEqual(API_ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path}`).toSorted());
});

test('I-08 operation ids are distinct, and path parameters have their documented names', () => {
  const ids = API_ROUTES.map(({ operationId }) => operationId);
  const parameters = new Set(API_ROUTES.flatMap(({ path }) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)));
  expect([new Set(ids).size, [...parameters].toSorted()]).toEqual([ids.length, ['engine_id', 'instance_id', 'key_id', 'model_id', 'node_id', 'operation_id', 'org_id', 'pool_id', 'task_id']]);
});

test('I-08 the document is OpenAPI 3.1 with every path', () => {
  const document = openApiDocument() as { readonly openapi: string; readonly paths: object };
  expect([document.openapi, Object.keys(document.paths).length]).toEqual(['3.1.0', new Set(API_ROUTES.map(({ path }) => path)).size]);
});
