import type { LlamaModel, Token } from 'node-llama-cpp';
import type { Vocabulary } from './token-pieces.js';

/** The one native method that has no public wrapper: the text of a token as the file has it. */
interface NativeModel {
  getTokenString?(token: number): string;
}

/** The vocabulary of a loaded model. Without the native method it falls back to the engine's own rendering. */
export function vocabularyOf(model: LlamaModel): Vocabulary {
  const native = (model as unknown as { readonly _model?: NativeModel })._model;
  const tokenText = native?.getTokenString?.bind(native);
  const kind = model.vocabularyType === 'bpe' || model.vocabularyType === 'spm' ? model.vocabularyType : 'other';
  return {
    kind: tokenText === undefined ? 'other' : kind,
    tokenText: tokenText ?? ((token) => model.detokenize([token as Token], true)),
    attributes: (token) => {
      const { control, unknown, userDefined, byte } = model.getTokenAttributes(token as Token);
      return { hidden: control || unknown, literal: userDefined, byte };
    },
    render: (token) => model.detokenize([token as Token]),
  };
}
