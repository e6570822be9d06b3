import type { DeviceKind } from '@corral/contracts';
import type { Llama } from 'node-llama-cpp';
import type { FatalMessage, ProbeAnswer, ProbeMessage } from '../child/child-message.js';
import { inspectModel, type InspectQuestion } from './inspect-model.js';
import { openLlama } from './open-llama.js';
import { toEngineError } from './to-engine-error.js';

/** What a disposable process may be asked. */
export type ProbeQuestion = ({ readonly type: 'inspect' } & InspectQuestion) | { readonly type: 'devices' } | { readonly type: 'self_test'; readonly deviceKind: DeviceKind };

/** `markPath`: where it is marked that the binary works on the device of this process. */
type MarkedQuestion = ProbeQuestion & { readonly markPath: string | null };

/** A device as the driver's library names it. */
export interface SeenDevice {
  readonly name: string;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
}

process.once('disconnect', () => process.exit(1));
process.once('message', (message) => {
  void answer((message as ProbeMessage<MarkedQuestion>).question).then((reply) => process.send?.(reply, () => process.exit(0)));
});

async function answer(question: MarkedQuestion): Promise<ProbeAnswer<unknown>> {
  try {
    return { type: 'answer', answer: await answerOf(question) };
  } catch (error) {
    const { kind, message } = toEngineError(error);
    return { type: 'fatal', kind, message } satisfies FatalMessage;
  }
}

async function answerOf(question: MarkedQuestion): Promise<unknown> {
  const deviceKind = question.type === 'devices' ? 'vulkan' : question.deviceKind;
  const llama = await openLlama({ deviceKind, logLevel: 'warn' }, question.markPath);
  if (question.type === 'inspect') return await inspectModel(llama, question);
  return question.type === 'devices' ? await seenDevices(llama) : null;
}

/** Vulkan devices that the mask of this process lets through. */
async function seenDevices(llama: Llama): Promise<readonly SeenDevice[]> {
  const { total, free } = await llama.getVramState();
  const names = await llama.getGpuDeviceNames();
  return names.map((name) => ({ name, memoryTotalBytes: total, memoryFreeBytes: free }));
}
