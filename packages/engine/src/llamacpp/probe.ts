import type { FatalMessage, ProbeAnswer, ProbeMessage } from '../child/child-message.js';
import { inspectModel, type InspectQuestion } from './inspect-model.js';
import { openLlama, toEngineError } from './open-llama.js';

/** What a disposable process may be asked. */
export type ProbeQuestion = ({ readonly type: 'inspect' } & InspectQuestion) | { readonly type: 'devices' };

/** A device as the driver's library names it. */
export interface SeenDevice {
  readonly name: string;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
}

process.once('disconnect', () => process.exit(1));
process.once('message', (message) => {
  void answer((message as ProbeMessage<ProbeQuestion>).question).then((reply) => process.send?.(reply, () => process.exit(0)));
});

async function answer(question: ProbeQuestion): Promise<ProbeAnswer<unknown>> {
  try {
    return { type: 'answer', answer: question.type === 'inspect' ? await inspect(question) : await seenDevices() };
  } catch (error) {
    const { kind, message } = toEngineError(error);
    return { type: 'fatal', kind, message } satisfies FatalMessage;
  }
}

async function inspect(question: InspectQuestion): Promise<unknown> {
  return await inspectModel(await openLlama({ deviceKind: question.deviceKind, logLevel: 'warn' }), question);
}

/** Vulkan devices that the mask of this process lets through. */
async function seenDevices(): Promise<readonly SeenDevice[]> {
  const llama = await openLlama({ deviceKind: 'vulkan', logLevel: 'warn' });
  const { total, free } = await llama.getVramState();
  const names = await llama.getGpuDeviceNames();
  return names.map((name) => ({ name, memoryTotalBytes: total, memoryFreeBytes: free }));
}
