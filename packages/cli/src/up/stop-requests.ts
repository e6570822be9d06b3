import type { CliContext } from '../cli-context.js';
import { EXIT } from '../exit-code.js';

/** The user wants `corral up` to end, with this exit code. */
export class StopRequest extends Error {
  constructor(readonly exitCode: number) {
    super('stopped');
    this.name = 'StopRequest';
  }
}

const HANGUP = 129;

export interface StopListener {
  /** The first request. */
  onStop(request: StopRequest): void;
  /** Another one: no patience is left. */
  onStopAgain(): void;
  /** SIGHUP of someone who means a reload. */
  onReload(): void;
}

/**
 * Turns signals into requests until the returned function is called.
 *
 * SIGHUP asks for a reload, except where the terminal that this process was started on is gone: then it says so.
 */
export function listenForStops(
  { signals, terminalIsGone }: Pick<CliContext, 'signals' | 'terminalIsGone'>,
  listener: StopListener,
): () => void {
  let isStopping = false;
  const stop = (exitCode: number) => (): void => {
    if (isStopping) return listener.onStopAgain();
    isStopping = true;
    listener.onStop(new StopRequest(exitCode));
  };
  const off = [
    signals.on('SIGINT', stop(EXIT.interrupted)),
    signals.on('SIGTERM', stop(EXIT.terminated)),
    signals.on('SIGHUP', () => (terminalIsGone() ? stop(HANGUP)() : listener.onReload())),
  ];
  return () => off.forEach((end) => end());
}
