import { ApiError } from '@corral/contracts';
import { createHttpClient, readSse, type HttpClient } from '@corral/service-kit';
import { EngineError } from '../engine-error.js';
import { messageOf } from '../message-of.js';

/** What a running llama-server says of itself. */
export interface ServerFacts {
  /** Build of the server. */
  readonly version: string;
  readonly slots: number;
  /** Tokens of one slot. */
  readonly contextTokens: number;
  readonly trainContext: number;
  readonly vocabSize: number;
  readonly embeddingLength: number;
  readonly weightsBytes: number;
  readonly modelName: string | null;
  /** The file, as the server names it on its own machine. */
  readonly modelPath: string | null;
  readonly hasChatTemplate: boolean;
}

interface Props {
  readonly build_info?: string;
  readonly total_slots?: number;
  readonly default_generation_settings?: { readonly n_ctx?: number };
  readonly model_alias?: string;
  readonly model_path?: string;
  readonly chat_template?: string;
}

interface Models {
  readonly data?: readonly { readonly meta?: { readonly n_vocab?: number; readonly n_ctx_train?: number; readonly n_embd?: number; readonly size?: number } | null }[];
}

/** One piece of a completion: as many tokens as it took to have whole characters. */
export interface CompletionPiece {
  readonly content: string;
  readonly tokens?: readonly number[];
  readonly stop: boolean;
}

const ANSWER_MS = 10_000;

/** The calls of one llama-server. Close it. */
export class LlamaServerClient {
  readonly #http: HttpClient;

  constructor(readonly url: string) {
    this.#http = createHttpClient({ baseUrl: url, connections: 260, requestTimeoutMs: ANSWER_MS });
  }

  /** Rejects with an EngineError that says what to do when it does not answer as a ready llama-server does. */
  async facts({ timeoutMs = ANSWER_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<ServerFacts> {
    const once = { timeoutMs, signal, idempotent: false };
    try {
      await this.#http.json('GET', '/health', undefined, once);
      const [props, models] = await Promise.all([this.#http.json<Props>('GET', '/props', undefined, once), this.#http.json<Models>('GET', '/v1/models', undefined, once)]);
      const meta = models.data?.[0]?.meta ?? {};
      const { total_slots: slots, default_generation_settings: settings, build_info: version } = props;
      if (slots === undefined || settings?.n_ctx === undefined) throw new Error('its /props name no slots and no context');
      return {
        version: version ?? 'unknown',
        slots,
        contextTokens: settings.n_ctx,
        trainContext: meta.n_ctx_train ?? settings.n_ctx,
        vocabSize: meta.n_vocab ?? 0,
        embeddingLength: meta.n_embd ?? 0,
        weightsBytes: meta.size ?? 0,
        modelName: props.model_alias ?? null,
        modelPath: props.model_path ?? null,
        hasChatTemplate: (props.chat_template ?? '') !== '',
      };
    } catch (error) {
      throw new EngineError('worker_failed', `${this.url} does not answer as a ready llama-server does: ${messageOf(error)}; start it, wait until its /health is ok, and look at its log`, [], { cause: error });
    }
  }

  /** How many slots it shows, `null` where it shows none. */
  async slots(signal?: AbortSignal): Promise<number | null> {
    const slots = await this.#http.json<unknown>('GET', '/slots', undefined, { signal }).catch(() => null);
    return Array.isArray(slots) ? slots.length : null;
  }

  async tokenize(content: string): Promise<readonly number[]> {
    const { tokens } = await this.#http.json<{ readonly tokens: readonly number[] }>('POST', '/tokenize', { content, add_special: true, parse_special: true }, { idempotent: true });
    return tokens;
  }

  async applyTemplate(messages: readonly object[]): Promise<string> {
    const { prompt } = await this.#http.json<{ readonly prompt: string }>('POST', '/apply-template', { messages }, { idempotent: true });
    return prompt;
  }

  /** Pieces as the server makes them; aborting the signal frees its slot. */
  async *complete(body: object, signal: AbortSignal): AsyncGenerator<CompletionPiece> {
    const answer = await this.#http.pool.request({ method: 'POST', path: '/completion', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal, headersTimeout: 0, bodyTimeout: 0 });
    if (answer.statusCode !== 200) throw refused(`a completion with ${answer.statusCode}: ${(await answer.body.text()).slice(0, 300)}`);
    for await (const { data } of readSse(answer.body as AsyncIterable<Uint8Array>)) {
      const piece = JSON.parse(data) as CompletionPiece & { readonly error?: { readonly message?: string } };
      if (piece.error !== undefined) throw refused(`to go on with a completion: ${piece.error.message ?? 'without a reason'}`);
      yield piece;
    }
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

/** One sequence's failure: the server lives, and what else it runs goes on. */
function refused(what: string): ApiError {
  return new ApiError('WORKER_RESET', `the server refused ${what}; try again, and look at its log`);
}
