import { createServer } from 'node:net';
import { formatAddress, type Address } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { PORT_FLAG } from './daemon-environment.js';
import type { DaemonName } from './up-request.js';

/** Throws, naming port and flag, when another program has the address. Port 0 is always free. */
export async function checkPort(name: DaemonName, address: Address): Promise<void> {
  if (address.port === 0) return;
  const code = await bindProblem(address);
  if (code === undefined) return;
  const at = formatAddress(address);
  const flag = PORT_FLAG[name];
  const elsewhere = `choose another port with ${flag} N (0 takes a free one)`;
  if (code === 'EADDRINUSE')
    throw new CliFailure(`port ${address.port} for ${name} is taken by another program (${at})`, {
      next: `stop that one, or ${elsewhere}`,
    });
  throw new CliFailure(`${name} cannot listen on ${at} (${code})`, { next: elsewhere });
}

function bindProblem({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'UNKNOWN'));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}
