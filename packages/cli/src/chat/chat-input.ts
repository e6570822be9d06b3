/** What a line typed into a chat means. */
export type ChatInput =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'exit' | 'clear' | 'help' | 'nothing' }
  | { readonly kind: 'show_model' }
  | { readonly kind: 'change_model'; readonly model: string }
  | { readonly kind: 'unknown'; readonly command: string };

export const CHAT_HELP = [
  '/model NAME  talk to another model',
  '/clear       forget what was said',
  '/exit        leave (also Ctrl-D, or Ctrl-C twice)',
  'Ctrl-C       stop the answer',
];

/** A line that begins with a slash is a command; two slashes say one. */
export function readChatInput(line: string): ChatInput {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  if (text.startsWith('//')) return { kind: 'say', text: text.slice(1) };
  if (!text.startsWith('/')) return { kind: 'say', text };
  const [command = '', argument] = text.split(/\s+/, 2);
  switch (command) {
    case '/exit':
    case '/quit':
      return { kind: 'exit' };
    case '/clear':
      return { kind: 'clear' };
    case '/help':
      return { kind: 'help' };
    case '/model':
      return argument === undefined ? { kind: 'show_model' } : { kind: 'change_model', model: argument };
    default:
      return { kind: 'unknown', command };
  }
}
