import { describe, expect, test } from '@jest/globals';
import { TokenPieces, tokenBytes, type Vocabulary } from './token-pieces.js';

const vocabularyOf = (kind: Vocabulary['kind'], texts: readonly string[], hidden: readonly number[] = [], literal: readonly number[] = []): Vocabulary => ({
  kind,
  tokenText: (token) => texts[token] ?? '',
  attributes: (token) => ({ hidden: hidden.includes(token), literal: literal.includes(token), byte: (texts[token] ?? '').startsWith('<0x') }),
  render: (token) => `rendered ${texts[token]}`,
});
const textOf = (vocabulary: Vocabulary, tokens: readonly number[]): string[] => tokens.map(new TokenPieces(vocabulary).reader());

describe('token pieces', () => {
  test('C-128 byte pair vocabularies: a space before a mark stays, bytes come from the alphabet of GPT-2', () => {
    expect(textOf(vocabularyOf('bpe', ['Hello', 'Ġ,', 'Ċ', 'ðŁĺ', 'Ģ']), [0, 1, 2, 3, 4])).toEqual(['Hello', ' ,', '\n', '', '😀']);
  });

  test('C-128 SentencePiece: the lower block is a space, byte tokens are bytes', () => {
    expect(textOf(vocabularyOf('spm', ['\u2581Hello', '<0xC3>', '<0xA9>', '.']), [0, 1, 2, 3])).toEqual([' Hello', '', 'é', '.']);
  });

  test('C-128 control tokens show nothing, literal ones themselves', () => {
    const vocabulary = vocabularyOf('bpe', ['<|im_end|>', '<think>Ġ'], [0], [1]);
    expect([tokenBytes(vocabulary, 0), Buffer.from(tokenBytes(vocabulary, 1)).toString()]).toEqual([new Uint8Array(0), '<think>Ġ']);
  });

  test('C-128 a text that comes while a character is unfinished ends it', () => {
    expect(textOf(vocabularyOf('spm', ['<0xC3>', 'a']), [0, 1])).toEqual(['', '\uFFFDa']);
  });

  test('C-128 other vocabularies are rendered by the engine', () => {
    expect(textOf(vocabularyOf('other', ['x']), [0])).toEqual(['rendered x']);
  });

  test('C-128 readers share what was worked out and not what is pending', () => {
    const pieces = new TokenPieces(vocabularyOf('spm', ['<0xC3>', 'a']));
    const [one, two] = [pieces.reader(), pieces.reader()];
    expect([one(0), two(1), one(1)]).toEqual(['', 'a', '\uFFFDa']);
  });
});
