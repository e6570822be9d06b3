/** One broker to connect to. */
export interface AmqpHost {
  readonly protocol: 'amqp' | 'amqps';
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
}

export type ParsedHosts = { readonly kind: 'hosts'; readonly hosts: readonly AmqpHost[] } | { readonly kind: 'malformed'; readonly message: string };

/**
 * Reads broker URLs. One without a scheme is a host that shares the rest with the first:
 * `amqp://user:secret@a,b:5673` names two. A message never holds a password.
 */
export function parseAmqpUrls(urls: readonly string[]): ParsedHosts {
  const hosts: AmqpHost[] = [];
  for (const [n, url] of urls.entries()) {
    const host = parseOne(url.trim(), hosts[0]);
    if (host === null) return { kind: 'malformed', message: `broker ${n + 1} is not an AMQP URL; write amqp://user:password@host:5672/vhost, and several with commas between them` };
    hosts.push(host);
  }
  return hosts.length === 0 ? { kind: 'malformed', message: 'no broker is named; write amqp://user:password@host:5672' } : { kind: 'hosts', hosts };
}

/** For logs and messages: no secrets. */
export function nameOfHost({ hostname, port }: AmqpHost): string {
  return `${hostname}:${port}`;
}

function parseOne(text: string, first: AmqpHost | undefined): AmqpHost | null {
  const isBare = first !== undefined && !text.includes('://');
  const url = parsed(isBare ? `${first.protocol}://${text}` : text);
  if (url === null || !/^amqps?:$/.test(url.protocol) || url.hostname === '') return null;
  const protocol = url.protocol === 'amqps:' ? 'amqps' : 'amqp';
  const vhost = decoded(url.pathname.slice(1));
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (vhost === null || username === null || password === null) return null;
  return {
    protocol,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (protocol === 'amqps' ? 5671 : 5672) : Number(url.port),
    username: url.username === '' && isBare ? first.username : username === '' ? 'guest' : username,
    password: url.username === '' && isBare ? first.password : username === '' ? 'guest' : password,
    vhost: vhost !== '' ? vhost : isBare ? first.vhost : '/',
  };
}

function parsed(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
