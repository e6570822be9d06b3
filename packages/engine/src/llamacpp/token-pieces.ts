import { Utf8Assembler } from './utf8-assembler.js';

/** The vocabulary as the model file has it. */
export interface Vocabulary {
  /** How texts of tokens are written: GPT-2's byte alphabet, SentencePiece's, or another. */
  readonly kind: 'bpe' | 'spm' | 'other';
  /** The text of a token as the file has it. */
  tokenText(token: number): string;
  /** Attributes that decide how a token is shown. */
  attributes(token: number): { readonly hidden: boolean; readonly literal: boolean; readonly byte: boolean };
  /** The engine's own rendering of one token. */
  render(token: number): string;
}

type Piece = { readonly text: string } | { readonly bytes: Uint8Array };

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;
const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The bytes that each token stands for, worked out once per token.
 *
 * The engine's own detokenizer "cleans" spaces before punctuation in some vocabularies, which changes what
 * the model wrote; a token's own bytes do not depend on its neighbours.
 */
export class TokenPieces {
  readonly #cache = new Map<number, Piece>();

  constructor(private readonly vocabulary: Vocabulary) {}

  /** A reader for one stream of tokens. */
  reader(): (token: number) => string {
    const assembler = new Utf8Assembler();
    return (token) => {
      const piece = this.#pieceOf(token);
      if (!('text' in piece)) return assembler.push(piece.bytes);
      return assembler.isPending ? assembler.push(encoder.encode(piece.text)) : piece.text;
    };
  }

  #pieceOf(token: number): Piece {
    const known = this.#cache.get(token);
    if (known !== undefined) return known;
    const bytes = tokenBytes(this.vocabulary, token);
    const piece = wholeText(bytes);
    this.#cache.set(token, piece);
    return piece;
  }
}

/** What a token writes; nothing for a control token. The rules of llama.cpp's `token_to_piece`. */
export function tokenBytes(vocabulary: Vocabulary, token: number): Uint8Array {
  if (vocabulary.kind === 'other') return encoder.encode(vocabulary.render(token));
  const { hidden, literal, byte } = vocabulary.attributes(token);
  if (hidden) return new Uint8Array(0);
  const text = vocabulary.tokenText(token);
  if (literal) return encoder.encode(text);
  if (vocabulary.kind === 'bpe') return gpt2Bytes(text);
  const hex = byte ? BYTE_TOKEN.exec(text)?.[1] : undefined;
  return hex === undefined ? encoder.encode(text.replaceAll('\u2581', ' ')) : Uint8Array.of(Number.parseInt(hex, 16));
}

function wholeText(bytes: Uint8Array): Piece {
  try {
    return { text: strict.decode(bytes) };
  } catch {
    return { bytes };
  }
}

function gpt2Bytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const char of text) {
    const byte = GPT2_ALPHABET.get(char);
    if (byte === undefined) bytes.push(...encoder.encode(char));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** GPT-2 writes printable bytes as themselves and the others as the characters from U+0100 on. */
const GPT2_ALPHABET: ReadonlyMap<string, number> = new Map(
  (() => {
    const isPrintable = (byte: number): boolean => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    let next = 0x100;
    return Array.from({ length: 256 }, (_, byte): [string, number] => [String.fromCodePoint(isPrintable(byte) ? byte : next++), byte]);
  })(),
);
