import { expect, test } from '@jest/globals';
import { isApiError } from '@corral/contracts';
import { fingerprint, signatureHeader } from '@corral/service-kit';
import { reloadAuth, type ReloadCall, type ReloadSecrets } from './reload-auth.js';

const NOW_MS = 1_800_000_000_000;
const body = Buffer.from('{}');
const [FIRST, SECOND] = ['first-key', 'second-key'];
const BOTH: ReloadSecrets = { apiKeys: [FIRST, SECOND], hmacSecret: 'secret' };
const signed = signatureHeader({ method: 'POST', path: '/admin/reload', body }, 'secret', NOW_MS);

function answer(secrets: ReloadSecrets, over: Partial<ReloadCall>): string {
  try {
    return reloadAuth(secrets)({ method: 'POST', path: '/admin/reload', body, authorization: undefined, apiKey: undefined, nowMs: NOW_MS, ...over });
  } catch (error) {
    if (isApiError(error)) return error.code;
    throw error;
  }
}

test.each<[string, Partial<ReloadCall>, string]>([
  ['the first key', { authorization: `Bearer ${FIRST}` }, `reload-key:${fingerprint(FIRST)}`],
  ['the second key', { authorization: `Bearer ${SECOND}` }, `reload-key:${fingerprint(SECOND)}`],
  ['X-API-Key', { apiKey: ` ${SECOND} ` }, `reload-key:${fingerprint(SECOND)}`],
  ['a signature', { authorization: signed }, 'reload-hmac'],
  ['a wrong X-API-Key beside a good bearer', { apiKey: 'x', authorization: `Bearer ${FIRST}` }, 'BAD_TOKEN'],
  ['a wrong X-API-Key beside a good signature', { apiKey: 'x', authorization: signed }, 'BAD_TOKEN'],
  ['an empty X-API-Key beside a good bearer', { apiKey: '', authorization: `Bearer ${FIRST}` }, 'BAD_TOKEN'],
  ['an unknown key', { authorization: 'Bearer x' }, 'BAD_TOKEN'],
  ['the whole list as a key', { authorization: `Bearer ${FIRST},${SECOND}` }, 'BAD_TOKEN'],
  ['a signature in another spelling', { authorization: signed.replace('HMAC', 'Hmac') }, 'BAD_TOKEN'],
  ['a signature of another body', { authorization: signed, body: Buffer.from('{"source":"cli"}') }, 'BAD_TOKEN'],
  ['another scheme', { authorization: 'Basic x' }, 'BAD_TOKEN'],
  ['nothing', {}, 'MISSING_TOKEN'],
])('F-06 F-08 F-09 %s: %s', (_what, call, expected) => {
  expect(answer(BOTH, call)).toBe(expected);
});

test('F-09 what is not configured opens nothing', () => {
  expect([answer({ apiKeys: [], hmacSecret: 'secret' }, { authorization: `Bearer ${FIRST}` }), answer({ apiKeys: [FIRST], hmacSecret: '' }, { authorization: signatureHeader({ method: 'POST', path: '/admin/reload', body }, '', NOW_MS) })]).toEqual(['BAD_TOKEN', 'BAD_TOKEN']);
});

test('F-09 G-45 with neither configured the hint names both variables and the other ways', () => {
  expect(() => reloadAuth({ apiKeys: [], hmacSecret: '' })({ method: 'POST', path: '/', body, authorization: undefined, apiKey: undefined, nowMs: 0 })).toThrow(
    expect.objectContaining({ code: 'MISSING_TOKEN', details: { hint: expect.stringMatching(/ORCHESTRATOR_API_KEYS.*ORCHESTRATOR_HMAC_SECRET.*SIGHUP.*--watch/) } }),
  );
});
