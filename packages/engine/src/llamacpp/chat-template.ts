import { ApiError, type ChatMessage } from '@corral/contracts';
import { Template } from '@huggingface/jinja';
import { messageOf } from '../message-of.js';

/** Marks a border at which a text is cut before it is tokenised. From the private use area, and removed from messages. */
const CUT = '\u{F8FFE}';

export interface ChatTokenizer {
  readonly bosText: string | null;
  readonly eosText: string | null;
  /** Texts of the control tokens that `text` would be read as. */
  controlTextsIn(text: string): readonly string[];
}

/** Renders messages with the template of a model's file; `null` when the file has none. */
export type ChatTemplate = (messages: readonly ChatMessage[], tokenizer: ChatTokenizer) => readonly string[];

/**
 * Compiles a chat template.
 *
 * What it returns gives the prompt as segments to be tokenised one by one, control tokens included. There
 * is one segment unless a message contains the text of a control token: such a text is cut in two, so that
 * what a user writes is never read as the end of a turn.
 */
export function compileChatTemplate(source: string): ChatTemplate {
  let template: Template;
  try {
    template = new Template(source);
  } catch (error) {
    const reason = messageOf(error);
    return () => {
      throw new ApiError('INVALID_PARAMS', `the chat template of this model cannot be read: ${reason}; send a prompt instead of messages`, { field: 'input' });
    };
  }
  return (messages, tokenizer) => {
    const safe = messages.map(({ role, content }) => ({ role, content: defuse(content, tokenizer) }));
    try {
      const text = template.render({
        messages: safe,
        add_generation_prompt: true,
        bos_token: tokenizer.bosText ?? '',
        eos_token: tokenizer.eosText ?? '',
      });
      return text.split(CUT);
    } catch (error) {
      throw new ApiError('INVALID_PARAMS', `the chat template of this model refused the messages: ${messageOf(error)}; change their roles or their order`, { field: 'input.messages' });
    }
  };
}

function defuse(content: string, tokenizer: ChatTokenizer): string {
  let safe = content.replaceAll(CUT, '');
  for (const control of tokenizer.controlTextsIn(safe)) {
    const [first = ''] = control;
    safe = safe.replaceAll(control, first + CUT + control.slice(first.length));
  }
  return safe;
}
