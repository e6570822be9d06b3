import type { DeviceKind } from '@corral/contracts';

/** What a model costs on one kind of device, whole on that device. */
export interface DeviceMemory {
  /** `deviceBytes` lie on the device (on `cpu`: in host memory, as the replica maps or copies them); `hostBytes` stay in host memory beside it. [C-30] */
  readonly weightsBytes: { readonly deviceBytes: number; readonly hostBytes: number };
  /** Context memory is `baseBytes + perCellBytes × cells`; KV cache and compute buffers together. */
  readonly contextMemory: { readonly baseBytes: number; readonly perCellBytes: number };
}

/** What a GGUF file says of itself, read in a disposable process. Valid for one digest and one engine version. [D-03] */
export interface ModelFacts {
  readonly architecture: string;
  readonly name: string | null;
  readonly quant: string | null;
  readonly layers: number;
  readonly embeddingLength: number;
  readonly vocabSize: number;
  readonly trainContext: number;
  readonly hasChatTemplate: boolean;
  /** Only the device kinds that were asked for. */
  readonly memory: Readonly<Partial<Record<DeviceKind, DeviceMemory>>>;
}
