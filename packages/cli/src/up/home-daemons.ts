import { formatDuration, parseAddress, type Address } from '@corral/service-kit';
import type { CliContext } from '../cli-context.js';
import { checkPort } from './check-port.js';
import {
  daemonArguments,
  orchestratordEnvironment,
  poolManagerdEnvironment,
  wantedAddresses,
  type Addresses,
  type DaemonSettings,
} from './daemon-environment.js';
import { daemonLine } from './daemon-line.js';
import type { Listening } from './daemon-process.js';
import { SupervisedDaemon, type LaunchPlan, type Supervision } from './supervised-daemon.js';
import type { UpLock } from './up-lock.js';
import type { DaemonName, DaemonPrograms, UpTimes } from './up-request.js';

export interface HomeOptions {
  readonly settings: DaemonSettings;
  readonly programs: DaemonPrograms;
  readonly times: UpTimes;
  readonly lock: UpLock;
  /** One line for standard error. */
  readonly note: (line: string) => void;
}

/** The two daemons of the home profile, from their start to their end. */
export class HomeDaemons {
  readonly #options: HomeOptions;
  readonly #supervision: Supervision;
  readonly #addresses: Addresses;
  #orchestratord: SupervisedDaemon | undefined;
  #poolManagerd: SupervisedDaemon | undefined;
  #isStopped = false;

  /** Throws for an address that is none. */
  constructor(context: Pick<CliContext, 'clock' | 'errColors'>, options: HomeOptions) {
    this.#options = options;
    this.#addresses = wantedAddresses(options.settings);
    this.#supervision = { clock: context.clock, times: options.times, listener: listenerOf(context, options) };
  }

  /** Throws, naming flag and port, when another program has one of the ports. */
  async checkPorts(): Promise<void> {
    await checkPort('orchestratord', this.#addresses.orchestratord);
    await checkPort('pool-managerd', this.#addresses.poolManagerd);
  }

  async startOrchestratord(): Promise<Listening> {
    const { settings } = this.#options;
    const { orchestratord, poolManagerd } = this.#addresses;
    const envAt: LaunchPlan['envAt'] = (url) => orchestratordEnvironment(settings, atPortOf(url, orchestratord), poolManagerd);
    this.#orchestratord = this.#daemon('orchestratord', envAt);
    return this.#orchestratord.start();
  }

  async startPoolManagerd(orchestratorUrl: string): Promise<Listening> {
    const { settings } = this.#options;
    const envAt: LaunchPlan['envAt'] = (url) =>
      poolManagerdEnvironment(settings, atPortOf(url, this.#addresses.poolManagerd), orchestratorUrl);
    this.#poolManagerd = this.#daemon('pool-managerd', envAt);
    return this.#poolManagerd.start();
  }

  /** Asks orchestratord to read its manifest again. */
  reload(): void {
    this.#orchestratord?.signal('SIGHUP');
  }

  /** Both at once; resolves when nothing is left. `withinMs` 0 gives them no time. */
  async stop(withinMs: number = this.#options.times.stopWithinMs): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#orchestratord?.stop(withinMs), this.#poolManagerd?.stop(withinMs)]);
  }

  #daemon(name: DaemonName, envAt: LaunchPlan['envAt']): SupervisedDaemon {
    if (this.#isStopped) throw new Error(`${name} is not started: corral up is stopping`);
    const { programs, settings } = this.#options;
    return new SupervisedDaemon({ name, program: programs[name], args: daemonArguments(settings.request), envAt }, this.#supervision);
  }
}

function listenerOf({ errColors }: Pick<CliContext, 'errColors'>, { lock, note }: HomeOptions): Supervision['listener'] {
  return {
    onFork: (name, pid) => void lock.note(name, pid).catch((error: Error) => note(`cannot note the pid of ${name} (${error.message})`)),
    onDown: (name, how, waitMs) => note(`${errColors.yellow(name)} ended (${how}); it is started again in ${formatDuration(waitMs)}`),
    onBack: (name, { url }) => note(`${name} listens again on ${url}`),
    onLine: (name, raw) => {
      const line = daemonLine(name, raw, errColors);
      if (line !== undefined) note(line);
    },
  };
}

/** Port 0 was a wish for any port; a restart keeps the one that came of it. */
function atPortOf(url: string | undefined, wanted: Address): Address {
  const real = url === undefined ? undefined : parseAddress(new URL(url).host);
  return real === undefined ? wanted : { host: wanted.host, port: real.port };
}
