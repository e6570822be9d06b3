import type { ChatMessage, TaskRequest } from '@corral/contracts';

/** What shapes the answers of a chat, as flags give it. */
export interface ChatSettings {
  readonly system?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly seed?: number | undefined;
}

/** The server takes 2048 messages; a longer chat forgets its oldest turns. */
const MESSAGES_MAX = 2_000;

/** What was said so far, and the next request. Owned by one chat. */
export class ChatSession {
  #messages: ChatMessage[] = [];

  constructor(
    public model: string,
    private readonly settings: ChatSettings,
  ) {}

  /** The request for the answer to `text`; nothing is remembered until {@link remember}. */
  request(text: string): TaskRequest {
    const { system, maxTokens, temperature, seed } = this.settings;
    return {
      model_ref: this.model,
      messages: [
        ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
        ...this.#messages,
        { role: 'user', content: text },
      ],
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(seed === undefined ? {} : { seed }),
    };
  }

  /** Keeps a turn, also one whose answer was stopped, as it was shown. */
  remember(text: string, answer: string): void {
    this.#messages.push({ role: 'user', content: text }, { role: 'assistant', content: answer });
    if (this.#messages.length > MESSAGES_MAX) this.#messages = this.#messages.slice(-MESSAGES_MAX);
  }

  clear(): void {
    this.#messages = [];
  }

  /** Questions that were answered. */
  get turns(): number {
    return this.#messages.length / 2;
  }
}
