import { execFileSync } from 'node:child_process';
import { createPrivateKey, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { isApiError, type TrustPolicy } from '@corral/contracts';
import { judgeTrust, type Attested } from './trust.js';

const dir = mkdtempSync(join(tmpdir(), 'corral-trust-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const digest = `sha256:${'a'.repeat(64)}`;
const model = (over: Partial<Attested> = {}): Attested => ({ modelId: 'm', sources: ['hf:org/repo/m.gguf'], digest, policy: null, signatures: [], sbom: null, manifests: [], ...over });
const judge = (over: Partial<Attested>, isStrict = false): unknown => {
  try {
    return judgeTrust(model(over), isStrict, Date.now());
  } catch (error) {
    return isApiError(error) ? `${error.code}: ${error.message}` : error;
  }
};

/** A root and a certificate that it issued, with its key. */
function certificates(): { readonly root: string; readonly leaf: string; readonly key: string } {
  const run = (...args: readonly string[]) => execFileSync('openssl', [...args], { cwd: dir, stdio: 'ignore' });
  run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'root.key', '-out', 'root.pem', '-days', '2', '-subj', '/CN=root');
  run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=publisher');
  run('x509', '-req', '-in', 'leaf.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-out', 'leaf.pem', '-days', '2');
  const read = (name: string) => readFileSync(join(dir, name), 'utf8');
  return { root: read('root.pem'), leaf: read('leaf.pem'), key: read('leaf.key') };
}

describe('what is wanting in a model', () => {
  test('B-94 is a warning, and with strict trust a refusal', () => {
    expect(judge({})).toEqual(['it has neither signature nor SBOM']);
    expect(judge({}, true)).toContain('UNTRUSTED_ARTIFACT: model m is refused: it has no signature');
    expect(judge({ signatures: ['s'], sbom: 'x' }, true)).toEqual(['nobody has checked its signatures: no ca_roots were given']);
  });

  test.each<readonly [string, TrustPolicy]>([
    ['signature', { require_signature: true }],
    ['SBOM', { mode: 'strict', require_sbom: true }],
    ['is from none of', { allowed_registries: ['hf:other', 'models.example'] }],
  ])('B-94 a policy that asks for something refuses what lacks it: %s', (said, policy) => {
    expect(judge({ policy })).toMatch(new RegExp(`^UNTRUSTED_ARTIFACT: .*${said}`));
    expect(judge({ policy: { ...policy, mode: 'permissive' } })).toEqual(expect.arrayContaining([expect.any(String)]));
  });

  test.each([
    ['hf:org', 'hf:org/repo/m.gguf', true],
    ['hf:or', 'hf:org/repo/m.gguf', false],
    ['models.example', 'https://models.example/a/m.gguf', true],
    ['models.example', 'https://models.example.evil/a/m.gguf', false],
    ['file', 'file:/m.gguf', true],
    ['pypi:pack', 'pypi:pack==1.0/m.gguf', true],
  ])('B-94 the registry %s and the source %s', (rule, source, isAllowed) => {
    const seen = judge({ sources: [source], signatures: ['s'], policy: { allowed_registries: [rule] } });
    expect(typeof seen === 'string').toBe(!isAllowed);
  });

  test('B-94 with ca_roots a signature over the digest counts, by a certificate that a root issued, and nothing else does', () => {
    const { root, leaf, key } = certificates();
    const signed = (text: string) => sign('sha256', Buffer.from(text), createPrivateKey(key)).toString('base64');
    const policy = { ca_roots: [root] };
    expect(judge({ policy, sbom: 'x', signatures: ['plain', { signature: signed(digest), certificate: leaf }] })).toEqual([]);
    expect(judge({ policy, signatures: [{ signature: signed('another digest'), certificate: leaf }] })).toContain('UNTRUSTED_ARTIFACT');
    expect(judge({ policy: { ca_roots: [leaf] }, signatures: [{ signature: signed(digest), certificate: leaf }] })).toContain('UNTRUSTED_ARTIFACT');
    expect(judge({ policy, signatures: ['plain'] })).toContain('UNTRUSTED_ARTIFACT');
    expect(judge({ policy, digest: null, signatures: [{ signature: signed(digest), certificate: leaf }] })).toContain('none was given');
  });
});
