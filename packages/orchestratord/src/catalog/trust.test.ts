import { describe, expect, test } from '@jest/globals';
import { isApiError, type TrustPolicy } from '@corral/contracts';
import { PUBLISHER, ROOT, SIGNATURES } from '../../test/trust-fixtures.js';
import { judgeTrust, type Attested } from './trust.js';

/** While the certificates are valid. */
const NOW = Date.UTC(2030, 0, 1);
const digest = `sha256:${'a'.repeat(64)}`;
const model = (over: Partial<Attested> = {}): Attested => ({ modelId: 'm', sources: ['hf:org/repo/m.gguf'], digest, policy: null, signatures: [], sbom: null, manifests: [], ...over });
const judge = (over: Partial<Attested>, isStrict = false, nowMs = NOW): unknown => {
  try {
    return judgeTrust(model(over), isStrict, nowMs);
  } catch (error) {
    return isApiError(error) ? `${error.code}: ${error.message}` : error;
  }
};

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
    const policy = { ca_roots: [ROOT] };
    const good = { signature: SIGNATURES.a, certificate: PUBLISHER };
    expect(judge({ policy, sbom: 'x', signatures: ['plain', good] })).toEqual([]);
    expect(judge({ policy, signatures: [{ signature: SIGNATURES.b, certificate: PUBLISHER }] })).toContain('UNTRUSTED_ARTIFACT');
    expect(judge({ policy: { ca_roots: [PUBLISHER] }, signatures: [good] })).toContain('UNTRUSTED_ARTIFACT');
    expect(judge({ policy, signatures: [good] }, false, Date.UTC(2200, 0, 1))).toContain('UNTRUSTED_ARTIFACT');
    expect(judge({ policy, signatures: ['plain'] })).toContain('UNTRUSTED_ARTIFACT');
    expect(judge({ policy, digest: null, signatures: [good] })).toContain('none was given');
  });
});
