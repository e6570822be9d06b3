/** Field names that hold a secret, lower case without `-` and `_`. */
const SECRET_FIELDS = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'token',
  'authtoken',
  'apitoken',
  'accesstoken',
  'refreshtoken',
  'bearer',
  'secret',
  'clientsecret',
  'hmacsecret',
  'password',
  'passwd',
  'passphrase',
  'apikey',
  'apikeys',
  'xapikey',
  'privatekey',
  'tlskey',
]);

const REDACTED = '[redacted]';

/** `true` for a field whose value must not be written, whatever it is. [B-08] */
function isSecretField(name: string): boolean {
  return SECRET_FIELDS.has(name.replaceAll(/[-_]/g, '').toLowerCase());
}

/** `prefix_id_secret`, wherever a client put it, such as in a path. */
const PREFIXED_KEY = /\b[a-z]{2,8}_[0-9a-f]{16}_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/g;

/** Removes bearer tokens, prefixed keys, passwords in addresses, and the given values from text that is about to be written. [B-08] */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let clean = text
    .replaceAll(/\bBearer\s+[A-Za-z0-9._~+/=-]+/gi, `Bearer ${REDACTED}`)
    .replaceAll(PREFIXED_KEY, REDACTED)
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, `$1${REDACTED}@`);
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, REDACTED);
  return clean;
}

const LONGEST_TEXT = 8_192;

/** What `JSON.stringify` should write instead: no secrets, errors with their text, no bytes, no endless strings. */
export function logReplacer(this: unknown, key: string, value: unknown): unknown {
  if (key !== '' && isSecretField(key) && value !== undefined && value !== null) return REDACTED;
  if (typeof value === 'string')
    return value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}… (${value.length} characters)` : value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  const original = (this as Record<string, unknown> | undefined)?.[key];
  if (ArrayBuffer.isView(original)) return `<${original.byteLength} bytes>`;
  return isError(value) ? describeError(value) : value;
}

/** By shape: an error of another realm is one too. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function describeError(error: Error): object {
  const { name, message, stack, cause, ...rest } = error as Error & Record<string, unknown>;
  return { name: error.name ?? name, message: error.message ?? message, ...rest, ...(cause === undefined ? {} : { cause }), stack };
}
