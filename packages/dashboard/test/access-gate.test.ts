import { expect, test } from '@jest/globals';
import { refusal, unreachable } from '../src/api/api-failure.js';
import { accessGate } from '../src/shell/access-gate.js';
import { instancePath, modelPath, nodePath, poolPath, routeOf, titleOf } from '../src/shell/route.js';

const refused = (status: number, code: string, hint?: string) => refusal(status, { code, message: 'no', retriable: false, ...(hint === undefined ? {} : { hint }) }, null);
const lesser = refused(403, 'ROLE_REQUIRED');

test.each([
  [null, null, false, undefined],
  [unreachable('down'), unreachable('down'), true, undefined],
  [refused(401, 'MISSING_TOKEN'), null, false, 'This server needs a key'],
  [refused(401, 'BAD_TOKEN'), null, true, 'That key is not accepted'],
  [refused(403, 'NON_LOOPBACK_WITHOUT_TOKEN', 'call localhost'), null, false, 'This server refuses this page'],
  [lesser, null, true, undefined],
  [lesser, lesser, true, 'This key may not see this page'],
])('U-05 U-17 what stands between a caller and the page (%#)', (pools, instances, hasKey, title) => {
  expect(accessGate(pools, instances, hasKey)?.title).toBe(title);
});

test('U-05 the hint of the server comes first', () => {
  expect(accessGate(refused(401, 'BAD_TOKEN', 'it was revoked'), null, true)).toMatchObject({ detail: 'no', hint: 'it was revoked' });
});

test.each([
  ['/ui/', 'pool'],
  ['/ui', 'pool'],
  ['/ui/index.html', 'pool'],
  ['/ui/nothing', 'unknown'],
  ['/ui/instances/default', 'unknown'],
  ['/ui/instances/default/bot', 'instance'],
  ['/ui/models', 'models'],
  ['/ui/models/', 'models'],
  ['/ui/models/tiny', 'model'],
  ['/ui/models/a/b', 'unknown'],
  ['/ui/manifest', 'manifest'],
  ['/ui/manifest/x', 'unknown'],
])('B-46 %s is the page %s', (path, page) => {
  expect(routeOf(path).page).toBe(page);
});

test('U-19 the address of an instance leads back to it', () => {
  const name = { org_id: 'acme', instance_id: 'a.b-c' };
  expect(routeOf(instancePath(name))).toEqual({ page: 'instance', name });
  expect(routeOf('/ui/instances/%zz/bot')).toEqual({ page: 'instance', name: { org_id: '%zz', instance_id: 'bot' } });
});

test.each(['tiny', 'hf:org/repo/m.gguf', 'a b%2F', 'v1.5'])('U-20 U-01 the address of the model %s leads back to it, and is no name of a file', (modelId) => {
  expect(routeOf(modelPath(modelId))).toEqual({ page: 'model', modelId });
  expect([modelPath(modelId), instancePath({ org_id: 'default', instance_id: modelId })].filter((path) => /\.[a-z0-9]+$/i.test(path))).toEqual([]);
});

test('U-31 a pool and a node have an address of their own on the pool page, whatever they are called', () => {
  expect([poolPath('n1-cpu'), nodePath('rack 1/a')]).toEqual(['/ui/#pool-n1-cpu', '/ui/#node-rack%201%2Fa']);
});

test.each([
  ['/ui/', 'Pools · Corral'],
  ['/ui/models', 'Models · Corral'],
  ['/ui/models/a%2Fb', 'a/b · Corral'],
  ['/ui/manifest', 'Manifest · Corral'],
  ['/ui/instances/default/bot', 'default/bot · Corral'],
  ['/ui/nowhere', 'No such page · Corral'],
])('U-31 the tab of %s is called %s', (path, title) => {
  expect(titleOf(routeOf(path))).toBe(title);
});
