import type { FatalMessage } from './child-message.js';

/** What a worker answers to a call of its owner. */
export type WorkerAnswer<Answer = object> = { readonly type: 'answer'; readonly answer: Answer } | FatalMessage;
