import { formatAddress } from './address.js';

export type Place = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** A server could not take its address. The message ends with the next step. */
export class ListenError extends Error {
  constructor(
    message: string,
    /** The system's code, such as `EADDRINUSE`. */
    readonly causeCode: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ListenError';
  }
}

export function listenError(cause: NodeJS.ErrnoException, place: Place, variable: string | undefined): ListenError {
  const at = 'socketPath' in place ? place.socketPath : formatAddress(place);
  const elsewhere = variable === undefined ? 'choose another address' : `set ${variable} to another address`;
  const code = cause.code ?? 'UNKNOWN';
  return new ListenError(reasons(at, elsewhere)[code] ?? `cannot listen on ${at} (${code}); ${elsewhere}`, code, { cause });
}

function reasons(at: string, elsewhere: string): Readonly<Record<string, string>> {
  return {
    EADDRINUSE: `${at} is taken by another program; stop that one, or ${elsewhere}`,
    EACCES: `this user may not listen on ${at}; ${elsewhere}`,
    EADDRNOTAVAIL: `${at} is not an address of this machine; ${elsewhere}`,
    ENOTFOUND: `the name in ${at} has no address; ${elsewhere}`,
  };
}
