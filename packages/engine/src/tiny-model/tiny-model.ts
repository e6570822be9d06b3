import { writeGguf, type GgufTensor, type GgufValue } from './gguf-file.js';
import { randomTable, type RandomTable } from './random-table.js';
import { TENSOR_TYPES, tensorBytes, type TensorType, type TensorTypeName } from './tensor-type.js';
import { bpeVocabulary, spmVocabulary, type TinyVocabulary } from './tiny-vocabulary.js';

export const CHATML_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

export interface TinyModelOptions {
  /**
   * `chain`: whatever the prompt, the model writes the tokens of `chain` one after the other, then ends;
   * a prompt that ends in one of them goes on from there. The same in every number format and on every
   * device, while all the work is really done. `random`: an arbitrary model, the same for the same seed.
   */
  readonly mode?: 'chain' | 'random';
  /** Texts of tokens as the vocabulary has them, each at most once. Default: all from the space on. */
  readonly chain?: readonly string[];
  /** A chain that begins again instead of ending. */
  readonly endless?: boolean;
  /** Layers are added until the file is about as large. Default: one layer. */
  readonly sizeBytes?: number;
  readonly type?: TensorTypeName;
  readonly vocabulary?: 'spm' | 'bpe';
  readonly vocabSize?: number;
  readonly embedding?: number;
  readonly contextTokens?: number;
  readonly seed?: number;
  /** `null` = none. Default: ChatML. */
  readonly chatTemplate?: string | null;
}

export interface TinyModel {
  readonly path: string;
  readonly sizeBytes: number;
  readonly layers: number;
}

interface Shape {
  readonly type: TensorType;
  readonly embedding: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly layers: number;
  readonly vocabSize: number;
}

/**
 * Writes a model of the llama architecture with synthetic weights: about a megabyte unless more is asked
 * for. `changes` replaces entries of the header, to make files that are wrong.
 */
export async function writeTinyModel(path: string, options: TinyModelOptions = {}, changes: Readonly<Record<string, GgufValue>> = {}): Promise<TinyModel> {
  const { mode = 'chain', vocabulary: kind = 'spm', vocabSize = 512, chatTemplate = CHATML_TEMPLATE, contextTokens = 4_096 } = options;
  const vocabulary = kind === 'spm' ? spmVocabulary(vocabSize) : bpeVocabulary(vocabSize);
  const shape = shapeOf(options, vocabulary.texts.length);
  const table = randomTable(options.seed ?? 1);
  const metadata: Record<string, GgufValue> = {
    'general.architecture': { text: 'llama' },
    'general.name': { text: `tiny-${mode}` },
    'general.file_type': { u32: shape.type.fileType },
    'general.quantization_version': { u32: 2 },
    'llama.context_length': { u32: contextTokens },
    'llama.embedding_length': { u32: shape.embedding },
    'llama.block_count': { u32: shape.layers },
    'llama.feed_forward_length': { u32: shape.feedForward },
    'llama.attention.head_count': { u32: shape.heads },
    'llama.attention.head_count_kv': { u32: shape.kvHeads },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.dimension_count': { u32: shape.embedding / shape.heads },
    'llama.rope.freq_base': { f32: 10_000 },
    'llama.vocab_size': { u32: shape.vocabSize },
    ...vocabulary.metadata,
    ...(chatTemplate !== null && { 'tokenizer.chat_template': { text: chatTemplate } }),
    ...changes,
  };
  const ends = mode === 'chain' ? chainEnds(vocabulary, options) : null;
  const sizeBytes = await writeGguf(path, metadata, tensorsOf(shape, table, ends));
  return { path, sizeBytes, layers: shape.layers };
}

function shapeOf({ mode = 'chain', type: typeName = 'F16', sizeBytes = 0, ...options }: TinyModelOptions, vocabSize: number): Shape {
  const type = TENSOR_TYPES[typeName];
  const embedding = options.embedding ?? (mode === 'chain' ? 128 : 64);
  const feedForward = Math.ceil((embedding * 2.75) / 64) * 64;
  const heads = Math.max(2, embedding / 64);
  const kvHeads = Math.max(1, heads / 4);
  const kv = (embedding / heads) * kvHeads;
  const layerBytes = tensorBytes(type, 2 * embedding * embedding + 2 * embedding * kv + 3 * embedding * feedForward);
  const fixedBytes = tensorBytes(type, 2 * vocabSize * embedding);
  return { type, embedding, feedForward, heads, kvHeads, vocabSize, layers: Math.max(1, Math.round((sizeBytes - fixedBytes) / layerBytes)) };
}

/** Per token: the key of its embedding, and which tokens' embeddings make it the next one. */
interface ChainEnds {
  readonly embeddingKey: (token: number) => number;
  readonly followsKeys: (token: number) => readonly number[];
}

const OUTSIDE = 0;

function chainEnds({ texts, eos }: TinyVocabulary, options: TinyModelOptions): ChainEnds {
  const start = Math.max(texts.indexOf('\u2581'), 0);
  const chain = (options.chain ?? texts.slice(start)).map((text) => {
    const token = texts.indexOf(text);
    if (token === -1) throw new Error(`the vocabulary has no token ${JSON.stringify(text)}`);
    return token;
  });
  const place = new Map(chain.map((token, n) => [token, n]));
  const keyAt = (n: number): number => n + 1;
  return {
    embeddingKey: (token) => (place.has(token) ? keyAt(place.get(token) ?? 0) : OUTSIDE),
    followsKeys: (token) => {
      const last = keyAt(chain.length - 1);
      if (token === eos) return options.endless === true ? [] : [last];
      const at = place.get(token);
      if (at === undefined) return [];
      if (at > 0) return [keyAt(at - 1)];
      return options.endless === true ? [OUTSIDE, last] : [OUTSIDE];
    },
  };
}

/**
 * In a chain every block adds nothing, so what reaches the output is the token's own embedding, and each
 * row of the output is the embedding of the token before.
 */
function tensorsOf(shape: Shape, table: RandomTable, ends: ChainEnds | null): GgufTensor[] {
  const { type, embedding, feedForward, vocabSize } = shape;
  const kv = (embedding / shape.heads) * shape.kvHeads;
  const scale = 1 / Math.sqrt(embedding);
  let salt = 0;
  const random = (name: string, dims: readonly [number, number]): GgufTensor => {
    const own = (salt += 100_003);
    return { name, dims, type, distinctRows: 64, row: (n) => table.row(own + n * 31, dims[0], 1 / Math.sqrt(dims[0])) };
  };
  const zero = (name: string, dims: readonly [number, number]): GgufTensor => ({ name, dims, type, distinctRows: 1, row: () => new Float64Array(dims[0]) });
  const one = (name: string): GgufTensor => ({ name, dims: [embedding], type: TENSOR_TYPES.F32, row: () => new Float64Array(embedding).fill(1) });
  const closing = ends === null ? random : zero;
  const sum = (keys: readonly number[]): Float64Array => {
    const rows = keys.map((key) => table.row(key, embedding, 4 * scale));
    return Float64Array.from({ length: embedding }, (_, n) => rows.reduce((total, row) => total + (row[n] ?? 0), 0));
  };
  const layers = Array.from({ length: shape.layers }, (_, n) => `blk.${n}`).flatMap((layer) => [
    one(`${layer}.attn_norm.weight`),
    random(`${layer}.attn_q.weight`, [embedding, embedding]),
    random(`${layer}.attn_k.weight`, [embedding, kv]),
    random(`${layer}.attn_v.weight`, [embedding, kv]),
    closing(`${layer}.attn_output.weight`, [embedding, embedding]),
    one(`${layer}.ffn_norm.weight`),
    random(`${layer}.ffn_gate.weight`, [embedding, feedForward]),
    random(`${layer}.ffn_up.weight`, [embedding, feedForward]),
    closing(`${layer}.ffn_down.weight`, [feedForward, embedding]),
  ]);
  return [
    { name: 'token_embd.weight', dims: [embedding, vocabSize], type, row: (token) => table.row(ends?.embeddingKey(token) ?? token, embedding, 1) },
    ...layers,
    one('output_norm.weight'),
    ends === null ? { ...random('output.weight', [embedding, vocabSize]), distinctRows: vocabSize } : { name: 'output.weight', dims: [embedding, vocabSize], type, row: (token) => sum(ends.followsKeys(token)) },
  ];
}
