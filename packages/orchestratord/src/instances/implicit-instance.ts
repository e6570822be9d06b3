import { createHash } from 'node:crypto';
import { canonicalHash } from '../manifest/canonical-hash.js';

const PLAIN = /^[A-Za-z0-9._-]+$/;
const LONGEST = 128;

/**
 * The id of the instance that the server keeps for a route or a bare model; two names never share one.
 *
 * A name that an id can hold follows the prefix as it is (`route.chat-small`); in any other each character that an id
 * cannot hold becomes `_` and its hex code (`model-x.org_2Ftiny`); what is still too long becomes its hash (`model-h.…`).
 */
export function implicitInstanceId(of: 'route' | 'model', name: string): string {
  const plain = `${of}.${name}`;
  if (PLAIN.test(name) && plain.length <= LONGEST) return plain;
  const escaped = `${of}-x.${name.replaceAll(/[^A-Za-z0-9.-]/gu, escapedCharacter)}`;
  if (escaped.length <= LONGEST) return escaped;
  return `${of}-h.${createHash('sha256').update(name).digest('hex')}`;
}

const VERSION_PREFIX = 'model-v.';

/** The id of the instance that the server keeps for one version of a model, while requests of it are under way or it is being prepared. */
export function versionInstanceId(modelKey: string): string {
  return `${VERSION_PREFIX}${createHash('sha256').update(modelKey).digest('hex')}`;
}

export function isVersionInstance(instanceId: string): boolean {
  return instanceId.startsWith(VERSION_PREFIX);
}

/** The first 16 hex digits of the SHA-256 of the config as JSON with sorted keys and without spaces. [B-122] */
export function configHashOf(config: Readonly<Record<string, unknown>>): string {
  return canonicalHash(config);
}

function escapedCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `_${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
