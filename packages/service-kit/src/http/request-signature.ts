import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** What a signature covers. */
export interface SignedRequest {
  readonly method: string;
  /** As it is sent; what follows `?` is not covered. */
  readonly path: string;
  /** The bytes as they are sent; empty where there are none. */
  readonly body: Uint8Array;
}

export type SignatureVerdict = { readonly kind: 'valid' } | { readonly kind: 'invalid'; readonly problem: string };

/** The scheme of the `Authorization` header, which must be spelled exactly so. */
export const SIGNATURE_SCHEME = 'HMAC-SHA256';

/** How far the clocks of both sides may be apart, and how long a signature can be sent again. [F-07] */
const WINDOW_S = 300;
const LONGEST_HEADER = 8_192;

/** The `Authorization` header for a request: `HMAC-SHA256 timestamp=<unix seconds>,signature=<base64>`. [F-07] */
export function signatureHeader(request: SignedRequest, secret: string, nowMs: number): string {
  const timestamp = String(Math.floor(nowMs / 1_000));
  return `${SIGNATURE_SCHEME} timestamp=${timestamp},signature=${signatureOf(request, secret, timestamp).toString('base64')}`;
}

/** Whether a header was made for this very request with this secret, within five minutes of now. Never throws. [F-07] */
export function checkSignature(header: string, request: SignedRequest, { secret, nowMs }: { readonly secret: string; readonly nowMs: number }): SignatureVerdict {
  if (header.length > LONGEST_HEADER) return invalid('the Authorization header is longer than 8 KiB');
  if (!header.startsWith(`${SIGNATURE_SCHEME} `)) return invalid(`the scheme must be spelled ${SIGNATURE_SCHEME}`);
  const parameters = parametersOf(header.slice(SIGNATURE_SCHEME.length + 1));
  const timestamp = parameters.get('timestamp') ?? '';
  const signature = parameters.get('signature') ?? '';
  if (!/^\d{1,12}$/.test(timestamp)) return invalid('timestamp must be Unix seconds');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(signature)) return invalid('signature must be the base64 of 32 bytes');
  if (Math.abs(Math.floor(nowMs / 1_000) - Number(timestamp)) > WINDOW_S) return invalid(`timestamp is more than ${WINDOW_S} seconds from the time of the server`);
  const isSame = timingSafeEqual(Buffer.from(signature, 'base64'), signatureOf(request, secret, timestamp));
  return isSame ? { kind: 'valid' } : invalid('the signature is not that of this request with the configured secret');
}

/** Four lines without a line end after the last one. */
function signatureOf({ method, path, body }: SignedRequest, secret: string, timestamp: string): Buffer {
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const text = [method.toUpperCase(), path.replace(/\?.*$/s, ''), timestamp, bodyHash].join('\n');
  return createHmac('sha256', secret).update(text).digest();
}

/** Names that nobody knows are kept and never asked for. Of a name given twice the first counts. */
function parametersOf(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of text.split(',')) {
    const [name = '', ...value] = part.split('=');
    if (!parameters.has(name.trim())) parameters.set(name.trim(), value.join('=').trim());
  }
  return parameters;
}

function invalid(problem: string): SignatureVerdict {
  return { kind: 'invalid', problem };
}
