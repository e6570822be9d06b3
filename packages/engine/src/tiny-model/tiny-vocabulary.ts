import type { GgufValue } from './gguf-file.js';

/** Token types of llama.cpp. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

export interface TinyVocabulary {
  /** Texts of the tokens as the file has them. */
  readonly texts: readonly string[];
  readonly eos: number;
  readonly metadata: Readonly<Record<string, GgufValue>>;
}

const SPECIALS = ['<unk>', '<s>', '</s>'] as const;
const TURN_TOKENS = ['<|im_start|>', '<|im_end|>'] as const;
const PRINTABLE = Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n));

/** SentencePiece with byte fallback: 3 specials, 256 bytes, 2 turn tokens, a space, 94 characters, then words ` w0`, ` w1`, … */
export function spmVocabulary(size: number): TinyVocabulary {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const fixed = [...SPECIALS, ...bytes, ...TURN_TOKENS, '\u2581', ...PRINTABLE];
  const words = Array.from({ length: Math.max(0, size - fixed.length) }, (_, n) => `\u2581w${n}`);
  const texts = [...fixed, ...words];
  const types = texts.map((text, id) => {
    if (id === 0) return UNKNOWN;
    if (id < SPECIALS.length || TURN_TOKENS.some((token) => token === text)) return CONTROL;
    return id < SPECIALS.length + 256 ? BYTE : NORMAL;
  });
  return {
    texts,
    eos: 2,
    metadata: {
      'tokenizer.ggml.model': { text: 'llama' },
      'tokenizer.ggml.pre': { text: 'default' },
      'tokenizer.ggml.tokens': { texts },
      'tokenizer.ggml.scores': { f32s: texts.map((_, id) => (types[id] === NORMAL ? -id / 1_000 : 0)) },
      'tokenizer.ggml.token_type': { i32s: types },
      'tokenizer.ggml.unknown_token_id': { u32: 0 },
      'tokenizer.ggml.bos_token_id': { u32: 1 },
      'tokenizer.ggml.eos_token_id': { u32: 2 },
      'tokenizer.ggml.eot_token_id': { u32: texts.indexOf('<|im_end|>') },
      'tokenizer.ggml.add_bos_token': { bool: true },
      'tokenizer.ggml.add_eos_token': { bool: false },
      'tokenizer.ggml.add_space_prefix': { bool: false },
    },
  };
}

/**
 * Byte pair encoding in the manner of Llama 3: 256 byte tokens in GPT-2's alphabet, a space joined to each
 * mark in `.,?!`, words, then the specials.
 */
export function bpeVocabulary(size: number): TinyVocabulary {
  const alphabet = gpt2Alphabet();
  const marks = ['.', ',', '?', '!'].map((mark) => `\u0120${mark}`);
  const words = Array.from({ length: Math.max(0, size - alphabet.length - marks.length - 4) }, (_, n) => `\u0120w${n}`);
  const texts = [...alphabet, ...marks, ...words, '<s>', '</s>', ...TURN_TOKENS];
  const firstSpecial = texts.length - 4;
  return {
    texts,
    eos: firstSpecial + 1,
    metadata: {
      'tokenizer.ggml.model': { text: 'gpt2' },
      'tokenizer.ggml.pre': { text: 'llama-bpe' },
      'tokenizer.ggml.tokens': { texts },
      'tokenizer.ggml.token_type': { i32s: texts.map((_, id) => (id < firstSpecial ? NORMAL : CONTROL)) },
      'tokenizer.ggml.merges': { texts: marks.map((mark) => [...mark].join(' ')) },
      'tokenizer.ggml.bos_token_id': { u32: firstSpecial },
      'tokenizer.ggml.eos_token_id': { u32: firstSpecial + 1 },
      'tokenizer.ggml.eot_token_id': { u32: firstSpecial + 3 },
      'tokenizer.ggml.add_bos_token': { bool: true },
    },
  };
}

function gpt2Alphabet(): readonly string[] {
  const isPrintable = (byte: number): boolean => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}
