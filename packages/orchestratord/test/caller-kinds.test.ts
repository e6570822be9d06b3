import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { isApiError } from '@corral/contracts';
import { FakeClock } from '@corral/test-kit';
import { accessGate } from '../src/access/access-gate.js';
import type { AccessCaller } from '../src/access/principal.js';
import type { StoredKey } from '../src/store/key-rows.js';

const sockets: Socket[] = [];
afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

const KEY: StoredKey = { keyId: 'k1', orgId: 'acme', role: 'member', name: '', hash: Buffer.alloc(32), allowedModels: ['tiny'], requestsPerMinute: 1, createdAtMs: 0, expiresAtMs: null, revokedAtMs: null };
const TOKEN = 'a-token-of-more-than-thirty-two-characters';
const OPERATOR = 'the-operator-s-token-of-this-installation';

interface Setting {
  readonly tokens?: readonly string[];
  readonly operator?: string | null;
  readonly optional?: boolean;
  readonly inUse: boolean;
}

function request(bearer: string | null, headers: Record<string, string> = {}): IncomingMessage {
  const socket = new Socket();
  sockets.push(socket);
  const req = new IncomingMessage(socket);
  req.headers = { host: '127.0.0.1', ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }), ...headers };
  return req;
}

async function caller({ tokens = [], operator = OPERATOR, optional = false, inUse }: Setting, req: IncomingMessage): Promise<string> {
  const gate = accessGate({ keys: { inUse, find: (text) => (text === 'ck' ? KEY : undefined) }, tokens, operatorToken: operator, authOptional: optional, clock: new FakeClock(), orgIds: () => [] });
  try {
    const { principal, identity } = (await gate(req)) as AccessCaller;
    expect(identity).toBe(principal.identity);
    return `${identity.replace(/:[0-9a-f]{6}$/, ':fp')} ${principal.orgId} ${principal.role}`;
  } catch (error) {
    if (isApiError(error)) return error.code;
    throw error;
  }
}

describe('B-130 who calls', () => {
  test.each([
    ['home, no keys', { inUse: false }, null, 'localhost default system_admin'],
    ['home, no keys, any bearer', { inUse: false }, 'whatever', 'localhost default system_admin'],
    ['home, keys', { inUse: true }, null, 'MISSING_TOKEN'],
    ['home, keys, wrong bearer', { inUse: true }, 'whatever', 'BAD_TOKEN'],
    ['home, keys, a key', { inUse: true }, 'ck', 'key:k1 acme member'],
    ['home, keys, the operator', { inUse: true }, OPERATOR, 'token:fp default system_admin'],
    ['home, keys, optional', { inUse: true, optional: true }, null, 'localhost default system_admin'],
    ['home, keys, optional, wrong bearer', { inUse: true, optional: true }, 'whatever', 'BAD_TOKEN'],
    ['a token, no keys', { tokens: [TOKEN], operator: null, inUse: false }, null, 'MISSING_TOKEN'],
    ['a token, no keys, sent', { tokens: [TOKEN], operator: null, inUse: false }, TOKEN, 'token:fp default system_admin'],
    ['a token, a key', { tokens: [TOKEN], operator: null, inUse: true }, 'ck', 'key:k1 acme member'],
    ['a token, the operator of another time', { tokens: [TOKEN], operator: null, inUse: true }, OPERATOR, 'BAD_TOKEN'],
  ] as const)('%s', async (_what, setting, bearer, expected) => {
    expect(await caller(setting, request(bearer))).toBe(expected);
  });

  test('P-60 a page from elsewhere is nobody without a key, and a proxied call is not local', async () => {
    expect(await caller({ inUse: false }, request(null, { origin: 'https://evil.example' }))).toBe('NON_LOOPBACK_WITHOUT_TOKEN');
    expect(await caller({ inUse: true, optional: true }, request(null, { 'x-forwarded-for': '10.0.0.1' }))).toBe('MISSING_TOKEN');
    expect(await caller({ inUse: true }, request('ck', { 'x-forwarded-for': '10.0.0.1', origin: 'https://app.example' }))).toBe('key:k1 acme member');
  });
});

test('B-137 the rate of a key is one bucket, whichever request takes from it', async () => {
  const clock = new FakeClock();
  const gate = accessGate({ keys: { inUse: true, find: () => KEY }, tokens: [], operatorToken: null, authOptional: false, clock, orgIds: () => [] });
  const take = async () => ((await gate(request('ck'))) as AccessCaller).charge();
  await take();
  await expect(take()).rejects.toMatchObject({ code: 'RATE_LIMITED', details: { retry_after_ms: 60_000 } });
  await clock.advance(60_000);
  await take();
});
