import { FRAMES, validator, type Frame, type FrameType, type Validator } from '@corral/contracts';
import type { SseEvent } from '@corral/service-kit';

const CHECKS = new Map<string, Validator<unknown>>(Object.entries(FRAMES).map(([type, schema]) => [type, validator(schema)]));

/** An event of a task's stream as its frame; `undefined` for one of a later version, which a reader passes over. [B-61] */
export function decodeFrame({ event, data }: SseEvent): Frame | undefined {
  const check = CHECKS.get(event);
  if (check === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return undefined;
  }
  const result = check(value);
  return result.ok ? ({ type: event as FrameType, ...(result.value as object) } as Frame) : undefined;
}
