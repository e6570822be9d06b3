import { createInterface, type Interface } from 'node:readline';
import type { CliContext } from '../cli-context.js';
import type { CorralClient } from '../client/corral-client.js';
import { checkModels } from '../client/served-models.js';
import { failureLines } from '../failure-lines.js';
import { askOnce } from './ask-once.js';
import { CHAT_HELP, readChatInput } from './chat-input.js';
import { ChatLines } from './chat-lines.js';
import type { ChatSession } from './chat-session.js';
import { Interrupts } from './interrupts.js';

/** Lines that the up arrow brings back. */
const HISTORY_LINES = 200;

/** A conversation on a terminal, until /exit, Ctrl-D, or Ctrl-C twice. A failed answer is shown and the chat goes on. */
export async function converse(context: CliContext, client: CorralClient, session: ChatSession): Promise<void> {
  const terminal = createInterface({ input: context.stdin, output: context.stdout, terminal: true, historySize: HISTORY_LINES });
  const interrupts = new Interrupts();
  const left = new AbortController();
  terminal.on('SIGINT', () => onInterrupt(context, terminal, interrupts, left));
  terminal.once('close', () => {
    interrupts.stopAnswer();
    left.abort();
  });
  const lines = new ChatLines(terminal, context.clock);
  say(context, `${context.colors.bold(session.model)} listens; /help lists the commands`);
  try {
    for (;;) {
      const text = await lines.next(`${context.colors.green('>')} `, left.signal);
      if (text === undefined) return;
      interrupts.forget();
      await act({ context, client, session, interrupts, left }, text);
    }
  } finally {
    terminal.close();
  }
}

/** Stops the answer; without one, drops the typed line; on an empty line the second one in a row leaves. */
function onInterrupt(context: CliContext, terminal: Interface, interrupts: Interrupts, left: AbortController): void {
  switch (interrupts.press(terminal.line !== '')) {
    case 'stop_answer':
      return;
    case 'drop_line':
      terminal.write(null, { ctrl: true, name: 'e' });
      terminal.write(null, { ctrl: true, name: 'u' });
      return;
    case 'warn':
      context.out.write('\n');
      say(context, 'Ctrl-C again or /exit leaves');
      terminal.prompt();
      return;
    case 'leave':
      context.out.write('\n');
      left.abort();
  }
}

interface Turn {
  readonly context: CliContext;
  readonly client: CorralClient;
  readonly session: ChatSession;
  readonly interrupts: Interrupts;
  readonly left: AbortController;
}

async function act(turn: Turn, text: string): Promise<void> {
  const { context, session, left } = turn;
  const input = readChatInput(text);
  switch (input.kind) {
    case 'nothing':
      return;
    case 'exit':
      return left.abort();
    case 'clear':
      session.clear();
      return say(context, 'forgotten');
    case 'help':
      return CHAT_HELP.forEach((line) => say(context, line));
    case 'show_model':
      return say(context, session.model);
    case 'change_model':
      return changeModel(turn, input.model);
    case 'unknown':
      return say(context, `${input.command} is no command; /help lists them, and // at the start says a slash`);
    case 'say':
      return answer(turn, input.text);
  }
}

async function answer({ context, client, session, interrupts }: Turn, text: string): Promise<void> {
  const pieces: string[] = [];
  const signal = interrupts.answering();
  try {
    await askOnce(context, client, { request: session.request(text), isStreamed: true, signal, onText: (piece) => pieces.push(piece) });
  } catch (error) {
    if (signal.aborted) say(context, 'stopped');
    else failureLines(error, context.errColors).forEach((failure) => context.err.write(`${failure}\n`));
  } finally {
    interrupts.answered();
  }
  if (pieces.length > 0) session.remember(text, pieces.join(''));
}

async function changeModel({ context, client, session }: Turn, model: string): Promise<void> {
  try {
    const { data } = await client.get('/v1/models', checkModels);
    if (!data.some(({ id }) => id === model))
      return say(context, `${model} is not served; there are ${data.map(({ id }) => id).join(', ')}`);
    session.model = model;
    say(context, `${model} listens${session.turns > 0 ? ' and knows what was said' : ''}`);
  } catch (error) {
    failureLines(error, context.errColors).forEach((failure) => context.err.write(`${failure}\n`));
  }
}

function say({ out, colors }: CliContext, text: string): void {
  out.write(`${colors.dim(text)}\n`);
}
