import { messageOf } from '@corral/service-kit';
import { ProvisionError } from '../provision-error.js';
import { Interruption } from './interruption.js';

const CERTIFICATE = /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(VERIFY|GET)_|HOSTNAME_MISMATCH)/;
const NO_CONNECTION = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT']);

/** What a transport threw while talking to `host`: final where another try at once cannot help, else an interruption. [D-52] */
export function explainNetwork(error: unknown, server: string, proxy: string | null = null): ProvisionError | Interruption {
  const code = codeOf(error);
  const host = proxy === null ? server : `${server} (through the proxy ${proxy})`;
  if (code === 'ENOTFOUND')
    return failure(`the name of ${host} is unknown; correct the address, or check the network and its name server`, error);
  if (CERTIFICATE.test(code)) {
    return failure(
      `the certificate of ${host} is not trusted (${code}); if it is your own, name its authority in NODE_EXTRA_CA_CERTS and start the daemon again`,
      error,
    );
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return failure(`${host} does not speak TLS as it should (${code}); check the address and its port`, error);
  if (code === 'EAI_AGAIN') return later(`the name server gives no answer about ${host}; check the network`, error);
  if (NO_CONNECTION.has(code))
    return later(`no connection to ${host} (${code}); check the address and the network, and HTTPS_PROXY where a proxy is needed`, error);
  return later(`the connection to ${host} broke off (${code === '' ? messageOf(error) : code}); try again, or check the network`, error);
}

function failure(message: string, cause: unknown): ProvisionError {
  return new ProvisionError('UNREACHABLE', message, { cause });
}

function later(message: string, cause: unknown): Interruption {
  return new Interruption(failure(message, cause));
}

/** Several addresses of one name fail together; their first failure stands for all. */
function codeOf(error: unknown): string {
  const { code, errors, cause } = (error ?? {}) as { code?: unknown; errors?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return cause === undefined ? '' : codeOf(cause);
}
