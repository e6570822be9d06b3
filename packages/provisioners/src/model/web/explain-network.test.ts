import { expect, test } from '@jest/globals';
import { isProvisionError } from '../provision-error.js';
import { explainNetwork } from './explain-network.js';

const coded = (code: string, message = code) => Object.assign(new Error(message), { code });

test.each<[string, unknown, boolean, string]>([
  ['an unknown name', coded('ENOTFOUND'), true, 'the name of host is unknown; correct the address, or check the network and its name server'],
  ['a name server that is away', coded('EAI_AGAIN'), false, 'the name server gives no answer about host; check the network'],
  ['a certificate of its own', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), true, 'the certificate of host is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT); if it is your own, name its authority in NODE_EXTRA_CA_CERTS and start the daemon again'],
  ['a certificate of another', coded('ERR_TLS_CERT_ALTNAME_INVALID'), true, 'is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)'],
  ['no TLS', coded('EPROTO'), true, 'host does not speak TLS as it should (EPROTO); check the address and its port'],
  ['all addresses of a name', new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]), false, 'no connection to host (ECONNREFUSED); check'],
  ['a cut', coded('ECONNRESET', 'aborted'), false, 'the connection to host broke off (ECONNRESET); try again, or check the network'],
  ['nonsense', new Error('odd'), false, 'the connection to host broke off (odd)'],
])('D-52 %s', (_, error, isFinal, message) => {
  const explained = explainNetwork(error, 'host');
  expect([isProvisionError(explained), explained.message]).toEqual([isFinal, expect.stringContaining(message)]);
});

test('D-59 the proxy is named where there is one', () => {
  expect(explainNetwork(coded('ECONNREFUSED'), 'host', 'proxy:3128').message).toContain('no connection to host (through the proxy proxy:3128) (ECONNREFUSED)');
});
