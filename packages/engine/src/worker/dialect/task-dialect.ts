import { encodeFrame, type GenerateRequest } from '@corral/contracts';
import type { Dialect } from './dialect.js';

/** Frames of `/v2`. A task that is not streamed answers as the instance chat does. [B-62 DESIGN 10.10] */
export function taskDialect({ annotations }: Pick<GenerateRequest, 'annotations'>): Dialect {
  return {
    open: () => '',
    token: (text, index) => `event: token\ndata: {"t":${JSON.stringify(text)},"i":${index}}\n\n`,
    end: ({ tokens_in, tokens_out, decode_time_ms, finish_reason }) =>
      encodeFrame({ type: 'end', tokens_in, tokens_out, decode_time_ms, decode_ms: decode_time_ms, finish_reason, ...annotations }),
    failure: (error) => encodeFrame({ type: 'error', ...error }),
    whole: (message, { tokens_in, tokens_out, decode_time_ms, finish_reason }) =>
      JSON.stringify({ message, finish_reason, tokens_in, tokens_out, decode_time_ms, ...annotations }),
    refusal: (error) => JSON.stringify(error),
  };
}
