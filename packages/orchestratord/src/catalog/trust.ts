import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { ApiError, type TrustPolicy } from '@corral/contracts';
import { formatModelRef, parseModelRef } from '@corral/catalog-core';
import type { ModelTrust } from './model-intent.js';

/** What is said of a model by whoever registers it. */
export interface Attested extends Omit<ModelTrust, 'warnings'> {
  readonly modelId: string;
  readonly sources: readonly string[];
  readonly digest: string | null;
}

/**
 * What is wanting in a model before the policy and the strictness of the call: warnings where that is permissive.
 * Throws UNTRUSTED_ARTIFACT with all of it where it is strict. [B-94]
 */
export function judgeTrust(attested: Attested, isStrictCall: boolean, nowMs: number): readonly string[] {
  const { policy, signatures, sbom, manifests } = attested;
  const isStrict = isStrictCall || isStrictPolicy(policy);
  const wanting = [...registryProblems(attested), ...signatureProblems(attested, nowMs), ...(policy?.require_sbom === true && sbom === null ? ['it has no SBOM (sbom)'] : [])];
  if (isStrict && wanting.length > 0) {
    throw new ApiError('UNTRUSTED_ARTIFACT', `model ${attested.modelId} is refused: ${wanting.join('; ')}; add what is missing, or register it without strict trust`, { policy_label: isStrictCall ? 'X-Trust-Policy' : 'trust_policy' });
  }
  const mild = [...(sbom === null && policy?.require_sbom !== true ? ['it has no SBOM'] : []), ...(signatures.length > 0 && (policy?.ca_roots ?? []).length === 0 ? ['nobody has checked its signatures: no ca_roots were given'] : [])];
  return manifests.length + signatures.length === 0 && policy === null && !isStrict ? ['it has neither signature nor SBOM'] : [...wanting, ...mild];
}

/** A policy that asks for something means it. */
function isStrictPolicy(policy: TrustPolicy | null): boolean {
  if (policy === null || policy.mode === 'permissive') return false;
  const asks = policy.require_signature === true || policy.require_sbom === true || (policy.allowed_registries ?? []).length > 0 || (policy.ca_roots ?? []).length > 0;
  return policy.mode === 'strict' || asks;
}

function registryProblems({ policy, sources }: Attested): string[] {
  const allowed = policy?.allowed_registries ?? [];
  if (allowed.length === 0) return [];
  return sources.filter((source) => !allowed.some((rule) => isFrom(source, rule))).map((source) => `its source ${source} is from none of ${allowed.join(', ')}`);
}

/** `hf:org` covers `hf:org/repo/…`, never `hf:organisation/…`; a bare host covers everything on it. */
function isFrom(source: string, rule: string): boolean {
  const wanted = rule.replace(/\/+$/, '').toLowerCase();
  const text = source.toLowerCase();
  if (text === wanted || text.startsWith(`${wanted}/`) || text.startsWith(`${wanted}==`)) return true;
  if (/^(hf|pypi|file|https?)$/.test(wanted)) return text.startsWith(`${wanted}:`);
  const parsed = parseModelRef(source);
  if (parsed.kind !== 'ref') return false;
  const address = formatModelRef(parsed.ref);
  return address.startsWith('http') && new URL(address).host === wanted;
}

function signatureProblems({ policy, signatures, digest }: Attested, nowMs: number): string[] {
  if (signatures.length === 0) return policy !== null && policy.require_signature !== true && policy.mode === 'permissive' ? [] : ['it has no signature (signatures)'];
  const roots = policy?.ca_roots ?? [];
  if (roots.length === 0) return [];
  if (digest === null) return ['signatures are over the digest, and none was given'];
  return signatures.some((one) => isSignedUnder(one, roots, digest, nowMs)) ? [] : ['no signature is one over its digest by a valid certificate that ca_roots issued'];
}

function isSignedUnder(signature: ModelTrust['signatures'][number], roots: readonly string[], digest: string, nowMs: number): boolean {
  if (typeof signature === 'string' || signature.certificate === undefined) return false;
  try {
    const certificate = new X509Certificate(signature.certificate);
    const isCurrent = Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo);
    const issued = roots.some((text) => {
      const root = new X509Certificate(text);
      return certificate.checkIssued(root) && certificate.verify(root.publicKey);
    });
    const key = createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' }));
    const algorithm = key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448' ? null : 'sha256';
    return isCurrent && issued && verify(algorithm, Buffer.from(digest), key, Buffer.from(signature.signature, 'base64'));
  } catch {
    // What cannot be read as certificate or signature is none.
    return false;
  }
}
