import { encodeFrame, toEnvelope, toOpenAiError, type ErrorEnvelope, type MetricsFrame, type StartedFrame } from '@corral/contracts';
import type { Ending } from './task-output.js';
import { terminalOf } from './task-logs.js';

/** How the control plane's own part of an answer is written; one per answer. An empty text writes nothing. */
export interface AnswerShape {
  started(frame: StartedFrame): void;
  metrics(frame: MetricsFrame): void;
  /** Before the worker's first byte of a stream. */
  opening(): string;
  /** The end of a stream that its worker did not end. */
  closing(ending: Exclude<Ending, { kind: 'completed' }>): string;
  /** The body of a refusal before anything was sent. */
  refusal(envelope: ErrorEnvelope): unknown;
}

/** As clients of OpenAI read it: a failure is the last `data:`, and nothing but the worker's chunks comes before. */
export function openAiShape(): AnswerShape {
  return {
    started: () => undefined,
    metrics: () => undefined,
    opening: () => '',
    closing: (ending) => (ending.kind === 'failed' ? `data: ${JSON.stringify(toOpenAiError(toEnvelope(ending.error)))}\n\n` : ''),
    refusal: toOpenAiError,
  };
}

/** The five frames of a task: what was known before the first token comes first, so that a failure until then keeps its status. [B-118] */
export function taskShape(): AnswerShape {
  let opening = '';
  let lastMetrics = '';
  return {
    started: (frame) => void (opening = encodeFrame({ type: 'started', ...frame })),
    metrics: (frame) => void (lastMetrics = encodeFrame({ type: 'metrics', ...frame })),
    opening: () => opening + lastMetrics,
    closing: (ending) => {
      const frame = terminalOf(ending);
      return frame === null ? '' : encodeFrame(frame);
    },
    refusal: (envelope) => envelope,
  };
}
