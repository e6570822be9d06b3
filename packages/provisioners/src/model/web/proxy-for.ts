/** Reads the proxy variables of an environment, lower case first, as other programs do. Returns which proxy leads to an address. [D-59] */
export function proxiesOf(env: NodeJS.ProcessEnv): (url: URL) => URL | null {
  const read = (name: string) => (env[name.toLowerCase()] ?? env[name.toUpperCase()] ?? '').trim();
  const http = proxyAddress(read('http_proxy'));
  const https = proxyAddress(read('https_proxy')) ?? http;
  const exempt = read('no_proxy').toLowerCase().split(/[,\s]+/).filter(Boolean).map(readExemption);
  return (url) => (exempt.some((exemption) => isExempt(url, exemption)) ? null : url.protocol === 'https:' ? https : http);
}

/** `null` for a text that is no address: then there is no proxy. */
function proxyAddress(text: string): URL | null {
  const full = text === '' || text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  return url !== null && /^https?:$/.test(url.protocol) ? url : null;
}

interface Exemption {
  readonly host: string;
  readonly port: string | null;
}

function readExemption(text: string): Exemption {
  const [, host = text, port] = /^(.+?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\*?\./, ''), port: port ?? null };
}

function isExempt(url: URL, { host, port }: Exemption): boolean {
  if (port !== null && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
  return host === '*' || url.hostname === host || url.hostname.endsWith(`.${host}`);
}
