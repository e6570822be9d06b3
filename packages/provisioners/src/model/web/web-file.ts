import type { Digest } from '@corral/catalog-core';
import type { Clock } from '@corral/service-kit';
import type { ProvisionCode } from '../provision-error.js';
import type { Bandwidth } from './bandwidth.js';
import type { WebClient } from './web-client.js';
import type { WebLimits } from './web-limits.js';

/** One file of a server, and what is known of it beforehand. */
export interface WebFile {
  readonly url: URL;
  readonly authorization: string | null;
  /** What the bytes are of; a partial file of another origin is of no use. */
  readonly origin: string;
  /** The digest that the place of origin promises, if it does. */
  readonly promised: Digest | null;
  /** The size that it promises, if it does. */
  readonly sizeBytes: number | null;
  /** Some digest will be compared with the result. */
  readonly isVerified: boolean;
  /** The next step after a refusal, for the end of a message. */
  readonly advice: (code: ProvisionCode) => string;
}

/** What fetching over HTTP is done with; one for the whole node. */
export interface WebPorts {
  readonly client: WebClient;
  readonly bandwidth: Bandwidth;
  readonly limits: WebLimits;
  readonly clock: Clock;
  readonly random: () => number;
}
