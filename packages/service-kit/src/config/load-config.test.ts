import { expect, test } from '@jest/globals';
import { Type } from '@sinclair/typebox';
import { ConfigError } from './config-error.js';
import { configTable, secretsOf } from './config-table.js';
import { parseSource } from './document.js';
import { loadConfig, type ConfigSources, type ConfigSpec } from './load-config.js';
import { Secrets, Size } from './schema.js';

const schema = Type.Object(
  {
    addr: Type.String({ default: '127.0.0.1:80', description: 'Where to listen.' }),
    tokens: Secrets({ default: [], description: 'Accepted tokens.' }),
    watch: Type.Boolean({ default: false, description: 'Follow the file.' }),
    mode: Type.Union([Type.Literal('home'), Type.Literal('cloud')], { default: 'home', description: 'Profile.' }),
    ceiling: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], { default: null, description: 'Most.' }),
    stage: Type.Object(
      {
        dir: Type.String({ default: '/tmp', description: 'Folder.' }),
        max_bytes: Size({ default: 0, description: 'Budget.' }),
      },
      { additionalProperties: false },
    ),
    limits: Type.Array(Type.Object({ name: Type.String(), bytes: Size() }, { additionalProperties: false }), {
      default: [],
      description: 'Limits.',
    }),
    label: Type.Optional(Type.String({ description: 'A | B' })),
  },
  { additionalProperties: false },
);

const environment = {
  ADDR: '/addr',
  TOKEN: { pointer: '/tokens', aliases: ['OLD_TOKEN'] },
  WATCH: '/watch',
  CEILING: '/ceiling',
  STAGE_MAX: '/stage/max_bytes',
  MODE: '/mode',
} as const;
const spec: ConfigSpec<typeof schema> = { schema, environment };

const DEFAULTS = {
  addr: '127.0.0.1:80',
  tokens: [],
  watch: false,
  mode: 'home',
  ceiling: null,
  stage: { dir: '/tmp', max_bytes: 0 },
  limits: [],
};

const load = (sources: Omit<ConfigSources, 'file'> & { yaml?: string } = {}, rules = spec) =>
  loadConfig(rules, { ...sources, file: sources.yaml === undefined ? undefined : parseSource(sources.yaml, 'corral.yaml') });

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ origin = '-', field, message }) => `${origin} | ${field} | ${message}`);
    throw error;
  }
  return ['no problem'];
}

test('P-04 nothing set gives the defaults, also inside groups, and nothing can be changed', () => {
  const config = load();
  expect(config).toEqual(DEFAULTS);
  expect([Object.isFrozen(config), Object.isFrozen(config.stage), Object.isFrozen(config.tokens)]).toEqual([true, true, true]);
  expect(load({ yaml: '' })).toEqual(DEFAULTS);
});

test('P-04 P-62 a flag wins over the environment, that over the file, that over the default', () => {
  const yaml = 'addr: file:1\nmode: cloud\nstage:\n  max_bytes: 1GiB\n';
  expect(load({ yaml, environment: { ADDR: 'env:2' }, flags: [{ flag: '--addr', pointer: '/addr', text: 'flag:3' }] }).addr).toBe('flag:3');
  expect(load({ yaml, environment: { ADDR: 'env:2', STAGE_MAX: '512MiB' } })).toEqual({
    ...DEFAULTS,
    addr: 'env:2',
    mode: 'cloud',
    stage: { dir: '/tmp', max_bytes: 536_870_912 },
  });
  expect(load({ yaml, environment: { ADDR: '' } }).addr).toBe('file:1');
});

test('P-04 P-62 variables become what the schema says: lists, booleans, numbers, sizes; an alias is used when the name is not set', () => {
  const config = load({ environment: { OLD_TOKEN: 'a, b,,c', WATCH: 'Yes', CEILING: '3', STAGE_MAX: '24GiB', MODE: 'cloud' } });
  expect(config).toEqual({
    ...DEFAULTS,
    tokens: ['a', 'b', 'c'],
    watch: true,
    ceiling: 3,
    mode: 'cloud',
    stage: { dir: '/tmp', max_bytes: 25_769_803_776 },
  });
  expect(load({ environment: { TOKEN: 'new', OLD_TOKEN: 'old' } }).tokens).toEqual(['new']);
});

test('P-04 JSON is read too, and sizes inside lists', () => {
  expect(load({ yaml: '{"limits":[{"name":"a","bytes":"2KiB"}]}' }).limits).toEqual([{ name: 'a', bytes: 2_048 }]);
});

test('P-04 P-61 every problem is named at once, with its line, variable or flag', () => {
  const yaml = 'adr: x\nstage:\n  dir: 7\n  max_byte: 1\nlimits:\n  - name: a\n    bytes: much\nmode: huge\n';
  const problems = problemsOf(() =>
    load({
      yaml,
      environment: { WATCH: 'perhaps', CEILING: '0' },
      flags: [{ flag: '--stage-max', pointer: '/stage/max_bytes', text: 'lots' }],
    }),
  );
  expect(problems.toSorted()).toEqual([
    'corral.yaml line 1 | adr | unknown field; known are addr, tokens, watch, mode, ceiling, stage, limits, label',
    'corral.yaml line 3 | stage.dir | must be string',
    'corral.yaml line 4 | stage.max_byte | unknown field; known are dir, max_bytes',
    'corral.yaml line 7 | limits.0.bytes | must be integer',
    'corral.yaml line 8 | mode | must be one of "home", "cloud"',
    'environment CEILING | ceiling | must be >= 1',
    'environment WATCH | watch | must be true or false',
    'flag --stage-max | stage.max_bytes | must be a size such as 24GiB or 1073741824',
  ]);
});

test('P-61 the message lists the problems and ends with the next step', () => {
  expect(() => load({ yaml: 'a: 1\nb: 2\n' })).toThrow(
    /^invalid configuration:\n  corral\.yaml line 1: a: unknown field; known are .*\n  corral\.yaml line 2: b: .*\ncorrect these and start again; --check validates without starting$/,
  );
});

test('P-04 a file that is not YAML, has a key twice or is no mapping is refused with its line', () => {
  expect(problemsOf(() => load({ yaml: 'addr: a\naddr: b\n' }))).toEqual(['corral.yaml line 2 |  | the same key stands above; give each its own name']);
  expect(problemsOf(() => load({ yaml: 'addr: [1,\nwatch: true' }))[0]).toMatch(/^corral\.yaml line \d \| {2}\| /);
  expect(problemsOf(() => load({ yaml: '- a\n' }))).toEqual(['corral.yaml |  | must hold settings by name']);
});

test('P-63 of a shared file only our section counts, and a section that nobody knows is refused', () => {
  const section = { name: 'mine', others: ['theirs'] };
  expect(load({ yaml: 'theirs:\n  anything: 1\nmine:\n  addr: a:1\n', section }).addr).toBe('a:1');
  expect(load({ yaml: 'theirs:\n  anything: 1\n', section })).toEqual(DEFAULTS);
  expect(load({ yaml: 'addr: a:1\n', section }).addr).toBe('a:1');
  expect(problemsOf(() => load({ yaml: 'mine:\n  adr: 1\nyours: 1\n', section }))).toEqual([
    'corral.yaml line 3 | yours | unknown section; known are mine, theirs',
    'corral.yaml line 2 | adr | unknown field; known are addr, tokens, watch, mode, ceiling, stage, limits, label',
  ]);
});

test('P-61 rules between settings are reported with the place of the setting', () => {
  const rules: ConfigSpec<typeof schema> = {
    ...spec,
    check: ({ mode, tokens }) => (mode === 'cloud' && tokens.length === 0 ? [{ field: 'mode', message: 'needs a token; set TOKEN' }] : []),
  };
  expect(problemsOf(() => load({ environment: { MODE: 'cloud' } }, rules))).toEqual(['environment MODE | mode | needs a token; set TOKEN']);
  expect(load({ environment: { MODE: 'cloud', TOKEN: 't' } }, rules).mode).toBe('cloud');
});

test('P-04 an anchor bomb is refused', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'.replaceAll(
    /./g,
    (c) =>
      `${c}: &${c} [${Array(9)
        .fill(`*${String.fromCharCode(c.charCodeAt(0) - 1)}`)
        .join(',')}]\n`,
  )}`;
  expect(problemsOf(() => load({ yaml: bomb }))[0]).toMatch(/alias/i);
});

test('P-04 the reference table names type, default and variables of every setting', () => {
  expect(configTable(schema, environment)).toBe(
    [
      '| setting | type | default | environment | meaning |',
      '|---|---|---|---|---|',
      '| `addr` | string | `"127.0.0.1:80"` | `ADDR` | Where to listen. |',
      '| `tokens` | list of string | `[]` | `TOKEN`, `OLD_TOKEN` | Accepted tokens. |',
      '| `watch` | boolean | `false` | `WATCH` | Follow the file. |',
      '| `mode` | "home" or "cloud" | `"home"` | `MODE` | Profile. |',
      '| `ceiling` | integer | – | `CEILING` | Most. |',
      '| `stage.dir` | string | `"/tmp"` | – | Folder. |',
      '| `stage.max_bytes` | size | `0` | `STAGE_MAX` | Budget. |',
      '| `limits` | list of object | `[]` | – | Limits. |',
      '| `label` | string | – | – | A \\| B |',
      '',
    ].join('\n'),
  );
});

test('B-08 the secrets of a configuration can be named, so that the log never writes them', () => {
  expect(secretsOf(schema, load({ environment: { TOKEN: 'first,second' } }))).toEqual(['first', 'second']);
});

test('P-04 a variable whose setting takes a number or a word is read as the one that it is', () => {
  const either = Type.Object({ layers: Type.Union([Type.Literal('all'), Type.Integer({ minimum: 0 })], { default: 'all' }) });
  const layers = (text: string) =>
    loadConfig({ schema: either, environment: { LAYERS: '/layers' } }, { environment: { LAYERS: text } }).layers;
  expect([layers('all'), layers('12')]).toEqual(['all', 12]);
  expect(problemsOf(() => layers('some'))).toEqual(['environment LAYERS | layers | must be one of "all"']);
});

test('P-61 rules between settings wait until each setting is right by itself', () => {
  const rules: ConfigSpec<typeof schema> = { ...spec, check: () => [{ field: 'mode', message: 'never' }] };
  expect(problemsOf(() => load({ environment: { WATCH: 'perhaps' } }, rules))).toEqual([
    'environment WATCH | watch | must be true or false',
  ]);
});
