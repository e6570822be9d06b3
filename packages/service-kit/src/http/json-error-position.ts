const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

type Expected = 'value' | 'first_item' | 'first_key' | 'key' | 'after';

/**
 * The offset of the first character that JSON does not allow, or the length when the text just stops.
 *
 * Only for text that `JSON.parse` refused: its own message often has no position, and quotes the text.
 */
export function jsonErrorPosition(text: string): number {
  const open: ('[' | '{')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const close = (bracket: ']' | '}'): boolean => {
    if (text[at] !== bracket || open.at(-1) !== (bracket === ']' ? '[' : '{')) return false;
    open.pop();
    at += 1;
    return true;
  };
  for (;;) {
    match(SPACE);
    if (expected === 'after') {
      if (open.length === 0) return at;
      if (close(']') || close('}')) continue;
      if (text[at] !== ',') return at;
      at += 1;
      expected = open.at(-1) === '[' ? 'value' : 'key';
    } else if (expected === 'key' || expected === 'first_key') {
      if (expected === 'first_key' && close('}')) expected = 'after';
      else {
        if (!match(STRING)) return at;
        match(SPACE);
        if (text[at] !== ':') return at;
        at += 1;
        expected = 'value';
      }
    } else if (expected === 'first_item' && close(']')) expected = 'after';
    else if (text[at] === '[' || text[at] === '{') {
      expected = text[at] === '[' ? 'first_item' : 'first_key';
      open.push(text[at] as '[' | '{');
      at += 1;
    } else if (match(STRING) || match(SCALAR)) expected = 'after';
    else return at;
  }
}

/** `line 3 column 7` of an offset. */
export function describePosition(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return `line ${line} column ${offset - before.lastIndexOf('\n')}`;
}
