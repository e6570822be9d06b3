import { decodeEvent, type EventEnvelope } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { wrongUse, CliFailure } from '../cli-failure.js';
import type { CorralClient } from '../client/corral-client.js';
import { EXIT } from '../exit-code.js';
import { eventLine } from '../render/event-line.js';
import { withClient, type Globals } from './globals.js';

export interface EventsOptions extends Globals {
  readonly since?: string | undefined;
  readonly count?: string | undefined;
}

/** After a connection that broke. */
const AGAIN_MS = 1_000;

interface Following {
  sinceId: string | undefined;
  left: number;
  readonly stopped: AbortController;
}

/**
 * `corral events`: what passes the event bus, one line each, until SIGINT or as many as were asked for; with
 * `--json` one document each. A connection that breaks is made again and goes on where it was.
 */
export async function events(context: CliContext, options: EventsOptions): Promise<void> {
  const following: Following = { sinceId: numberOf('--since', options.since), left: Number(numberOf('--count', options.count) ?? Number.POSITIVE_INFINITY), stopped: new AbortController() };
  const off = (['SIGINT', 'SIGTERM'] as const).map((signal) => context.signals.on(signal, () => following.stopped.abort(new Error('stopped'))));
  try {
    await withClient(context, options, async (client) => {
      for (let isAgain = false; following.left > 0 && !following.stopped.signal.aborted; isAgain = true) {
        if (isAgain) await context.clock.sleep(AGAIN_MS, following.stopped.signal).catch(() => undefined);
        await followOnce(context, client, options, { following, isAgain });
      }
    });
  } finally {
    for (const end of off) end();
  }
}

/** Resolves when the stream ends; rejects when the server refuses, or cannot be reached the first time. */
async function followOnce(context: CliContext, client: CorralClient, { json }: EventsOptions, { following, isAgain }: { readonly following: Following; readonly isAgain: boolean }): Promise<void> {
  const path = `/v2/events/stream${following.sinceId === undefined ? '' : `?since=${following.sinceId}`}`;
  try {
    for await (const { id, data } of client.events(path, following.stopped.signal)) {
      const decoded = decodeEvent(JSON.parse(data));
      following.sinceId = id ?? following.sinceId;
      // A server that is newer sends what this version has no words for.
      const event = decoded.kind === 'event' ? decoded.event : (JSON.parse(data) as EventEnvelope);
      context.out.write(json ? `${JSON.stringify({ seq: Number(id ?? 0), ...event })}\n` : `${eventLine(event, decoded.kind === 'event', context.colors)}\n`);
      following.left -= 1;
      if (following.left <= 0) return;
    }
  } catch (error) {
    if (following.stopped.signal.aborted) return;
    const isLost = error instanceof CliFailure && error.exitCode === EXIT.unreachable;
    if (!isLost || (!isAgain && following.sinceId === undefined)) throw error;
    context.err.write(`${error.message}; it is tried again\n`);
  }
}

function numberOf(flag: string, text: string | undefined): string | undefined {
  if (text === undefined || /^\d{1,16}$/.test(text)) return text;
  throw wrongUse(`${flag} ${text} is no number`, flag === '--since' ? 'give the id of an event, or 0 for all that the server kept' : 'give how many events to wait for');
}
