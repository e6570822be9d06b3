import { EngineError } from '../engine-error.js';
import { LlamaServerClient, type ServerFacts } from './llama-server-client.js';

/** What a probe saw a server do, by the names under which it is declared. */
export type ExternalCapability = 'completion' | 'chat' | 'stream' | 'usage' | 'cancel' | 'seed';

/** What replicas of the built-in engine do and an attached server does not. [D-79] */
export const EXTERNAL_DIFFERENCES: readonly string[] = [
  'its model is loaded already and is neither loaded, swapped nor unloaded from here',
  'its device and memory are not known here',
  'where its model has no chat template, messages get the one that the server takes instead',
  'nothing is staged, parked or kept of prefixes',
  'a prompt is evaluated in one go, so that a cancel waits for the server to notice',
];

export interface ExternalProbe {
  readonly facts: ServerFacts;
  readonly capabilities: readonly ExternalCapability[];
}

const TOKENS = 8;
const PROBE_PROMPT = 'One, two, three,';
/** For the few tokens of one answer, the wait for a slot included. */
const ANSWER_MS = 60_000;

/**
 * Whether a running server does what a worker in front of it needs: says what it serves, cuts text into tokens, streams a short
 * answer token by token, gives the same answer for the same seed, frees a slot whose reader leaves.
 *
 * Rejects with an EngineError that names what it does not do and the next step, or with the signal's reason. [D-80]
 */
export async function probeExternalEngine(url: string, { signal, onStep }: { readonly signal: AbortSignal; readonly onStep?: (step: string) => void }): Promise<ExternalProbe> {
  const client = new LlamaServerClient(url);
  try {
    onStep?.('asking what it serves');
    const facts = await client.facts({ signal });
    const shown = await client.slots(signal);
    if (facts.slots < 1 || (shown !== null && shown !== facts.slots)) throw wrong(url, `its /props tell of ${facts.slots} slots and its /slots of ${shown}`);
    onStep?.('asking for an answer');
    const tokens = await client.tokenize(PROBE_PROMPT);
    if (tokens.length === 0 || tokens.some((token) => !Number.isInteger(token))) throw wrong(url, 'its /tokenize made no tokens of a text');
    const [first, second] = [await answerOf(client, tokens, signal), await answerOf(client, tokens, signal)];
    if (first.length === 0) throw wrong(url, 'its /completion streamed no token');
    if (first.some(({ isCounted }) => !isCounted)) throw wrong(url, 'its /completion does not say which tokens it made (return_tokens)');
    onStep?.('leaving an answer');
    await left(client, tokens, signal);
    const hasSeed = JSON.stringify(first) === JSON.stringify(second);
    const hasChat = facts.hasChatTemplate && (await client.applyTemplate([{ role: 'user', content: 'Hi' }])).includes('Hi');
    return { facts, capabilities: ['completion', ...(hasChat ? (['chat'] as const) : []), 'stream', 'usage', 'cancel', ...(hasSeed ? (['seed'] as const) : [])] };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EngineError) throw error;
    throw wrong(url, error instanceof Error ? error.message : String(error));
  } finally {
    await client.close();
  }
}

interface Piece {
  readonly content: string;
  readonly isCounted: boolean;
}

async function answerOf(client: LlamaServerClient, prompt: readonly number[], signal: AbortSignal): Promise<readonly Piece[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const pieces: Piece[] = [];
  for await (const { content, tokens, stop } of client.complete({ prompt, n_predict: TOKENS, temperature: 0.7, seed: 7, stream: true, cache_prompt: false, return_tokens: true }, limit)) {
    if (!stop || content !== '') pieces.push({ content, isCounted: content === '' || (tokens?.length ?? 0) > 0 });
    if (pieces.length > TOKENS * 2) throw new Error(`it does not stop after ${TOKENS} tokens`);
  }
  return pieces;
}

/** Takes one piece of an answer without an end, and leaves. */
async function left(client: LlamaServerClient, prompt: readonly number[], signal: AbortSignal): Promise<void> {
  const leave = new AbortController();
  const pieces = client.complete({ prompt, n_predict: -1, stream: true, cache_prompt: false, return_tokens: true }, AbortSignal.any([signal, leave.signal, AbortSignal.timeout(ANSWER_MS)]));
  await pieces.next();
  leave.abort();
  await pieces.return(undefined).catch(() => undefined);
}

function wrong(url: string, what: string): EngineError {
  return new EngineError('worker_failed', `${url} does not do what a llama-server does: ${what}; start a llama-server of a current release there, and look at its log`);
}
