import { ModelId, validator } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { CliFailure, wrongUse } from '../cli-failure.js';
import { askOnce } from '../chat/ask-once.js';
import { ChatSession, type ChatSettings } from '../chat/chat-session.js';
import { converse } from '../chat/converse.js';
import type { CorralClient } from '../client/corral-client.js';
import { firstModel } from '../client/served-models.js';
import { EXIT } from '../exit-code.js';
import { printJson, withClient, type Globals } from './globals.js';

export interface ChatOptions extends Globals {
  readonly system?: string | undefined;
  readonly maxTokens?: string | undefined;
  readonly temperature?: string | undefined;
  readonly seed?: string | undefined;
}

const PIPED_BYTES_MAX = 8 * 1_048_576;
const isModelId = validator(ModelId);

/** `corral chat [MODEL] [TEXT]`: one answer to TEXT or to piped input, else a conversation on the terminal. */
export async function chat(
  context: CliContext,
  options: ChatOptions,
  words: { readonly model?: string | undefined; readonly text?: string | undefined },
): Promise<void> {
  const settings = settingsOf(options);
  const { model: named, text: given } = namedOrSaid(words);
  const isInteractive = given === undefined && context.stdin.isTTY === true;
  if (isInteractive && (options.json || !context.out.isTerminal)) {
    throw wrongUse('a conversation needs a terminal and no --json', 'give the text: corral chat MODEL "TEXT", or pipe it');
  }
  const text = given ?? (isInteractive ? undefined : await readPiped(context.stdin));
  await withClient(context, options, async (client) => {
    const session = new ChatSession(named ?? (await firstModel(client)), settings);
    if (text === undefined) await converse(context, client, session);
    else await answerOnce(context, client, session, { text, json: options.json });
  });
}

/** One word that can be no name of a model is the text. */
export function namedOrSaid({ model, text }: { readonly model?: string | undefined; readonly text?: string | undefined }): {
  model: string | undefined;
  text: string | undefined;
} {
  if (model !== undefined && text === undefined && !isModelId(model).ok) return { model: undefined, text: model };
  return { model, text };
}

async function answerOnce(
  context: CliContext,
  client: CorralClient,
  session: ChatSession,
  { text, json }: { readonly text: string; readonly json: boolean },
): Promise<void> {
  const stopped = new AbortController();
  const stop = (signal: 'SIGINT' | 'SIGTERM') =>
    context.signals.on(signal, () =>
      stopped.abort(new CliFailure('stopped', { exitCode: signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated })),
    );
  const off = [stop('SIGINT'), stop('SIGTERM')];
  try {
    const answer = await askOnce(context, client, { request: session.request(text), isStreamed: !json, signal: stopped.signal });
    const { taskId, end } = answer;
    if (json) printJson(context, { task_id: taskId, model: session.model, message: { role: 'assistant', content: answer.text }, ...end });
  } finally {
    for (const end of off) end();
  }
}

function settingsOf({ system, maxTokens, temperature, seed }: ChatOptions): ChatSettings {
  return {
    system,
    maxTokens: numberOf('--max-tokens', maxTokens, { min: 1, isWhole: true }),
    temperature: numberOf('--temperature', temperature, { min: 0, max: 2 }),
    seed: numberOf('--seed', seed, { min: 0, max: 4_294_967_295, isWhole: true }),
  };
}

function numberOf(
  flag: string,
  text: string | undefined,
  { min, max = Number.MAX_SAFE_INTEGER, isWhole = false }: { min: number; max?: number; isWhole?: boolean },
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw wrongUse(`${flag} ${text} is out of range`, `give a ${isWhole ? 'whole ' : ''}number ${range}`);
}

async function readPiped(stdin: CliContext['stdin']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    size += bytes.length;
    if (size > PIPED_BYTES_MAX)
      throw wrongUse('the piped text is longer than 8 MiB', 'pipe a shorter one: no model has a context that long');
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString('utf8').trimEnd();
  if (text === '') throw wrongUse('there is no text to answer', 'give it: corral chat MODEL "TEXT", or pipe it');
  return text;
}
