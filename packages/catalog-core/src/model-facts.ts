/** What kind of device holds a replica. */
export type DeviceKind = 'cuda' | 'vulkan' | 'metal' | 'cpu';

/** Every device kind. */
export const DEVICE_KINDS: readonly DeviceKind[] = ['cuda', 'vulkan', 'metal', 'cpu'];

/** What a model costs on one kind of device, as the engine reported it for the whole model on that device. */
export interface DeviceMemory {
  /** `deviceBytes` lie on the device (on `cpu`: mapped plus repacked copies); `hostBytes` stay in host memory beside it. */
  readonly weightsBytes: { readonly deviceBytes: number; readonly hostBytes: number };
  /** Context memory is `baseBytes + perCellBytes × cells`; KV cache and compute buffers together. */
  readonly contextMemory: { readonly baseBytes: number; readonly perCellBytes: number };
  /** What replicas really took, the latest last; at most one for each shape. Without it, none was loaded yet. */
  readonly measured?: readonly MeasuredMemory[];
}

/** What one shape of replica took of a device when it was last loaded. */
export interface MeasuredMemory {
  /** Tokens per slot. */
  readonly context: number;
  readonly slots: number;
  readonly weightsBytes: number;
  readonly contextBytes: number;
}

/**
 * What the engine read from a model's file, in a disposable process, when the model was registered.
 *
 * Valid for one digest and one engine version; the catalog entry keeps the latter beside it. [D-03]
 */
export interface ModelFacts {
  readonly architecture: string;
  /** The name that the file gives itself, or `null`. */
  readonly name: string | null;
  /** Quantisation, e.g. `Q4_1`, or `null` when the file does not say. */
  readonly quant: string | null;
  readonly layers: number;
  readonly embeddingLength: number;
  readonly vocabSize: number;
  /** Tokens of context that the model was trained with. */
  readonly trainContext: number;
  readonly hasChatTemplate: boolean;
  /** Only the device kinds that the engine could ask. */
  readonly memory: Readonly<Partial<Record<DeviceKind, DeviceMemory>>>;
}
