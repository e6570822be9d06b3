import { API_ROUTES, API_VERSION, refusalSchema, type ApiRoute } from './api.js';
import { CorrelationId, Id, ModelId } from './scalars.js';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of orchestratord, made from the route table; schemas are JSON Schema 2020-12 as they stand. */
export function openApiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const route of API_ROUTES) (paths[route.path] ??= {})[route.method] = operation(route);
  return {
    openapi: '3.1.0',
    info: { title: 'Corral', version: API_VERSION, description: 'Self-hosted LLM serving: tasks, OpenAI-compatible calls, pools and nodes.', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    security: [{ bearer: [] }, {}],
    paths,
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  };
}

function operation(route: ApiRoute): Json {
  const responses: Record<string, Json> = {};
  for (const [status, { description, schema, contentType }] of Object.entries(route.responses)) {
    const content = schema === undefined && contentType === undefined ? {} : { content: { [contentType ?? 'application/json']: schema === undefined ? {} : { schema } } };
    responses[status] = { description, headers: CORRELATION_HEADER, ...content };
  }
  for (const status of [...(route.refusals ?? []), 401, 500]) {
    responses[String(status)] ??= { description: 'Refused.', headers: CORRELATION_HEADER, content: { 'application/json': { schema: refusalSchema(route.path) } } };
  }
  const parameters = [...pathParameters(route.path), ...queryParameters(route)];
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.request ? { requestBody: { required: route.bodyIsOptional !== true, content: { 'application/json': { schema: route.request } } } } : {}),
    responses,
  };
}

const CORRELATION_HEADER = { 'X-Correlation-Id': { schema: CorrelationId, description: "The caller's, or a new one." } };

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: name === 'model_id' ? ModelId : Id }));
}

function queryParameters({ query = {} }: ApiRoute): Json[] {
  return Object.entries(query).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}
