const NOTHING = new Uint8Array(0);

/** Joins pieces of UTF-8 whose borders may lie inside a character. What is no UTF-8 becomes U+FFFD. */
export class Utf8Assembler {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #pending: Uint8Array = NOTHING;

  /** A character is unfinished. */
  get isPending(): boolean {
    return this.#pending.length > 0;
  }

  /** The characters that are whole now. */
  push(bytes: Uint8Array): string {
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const whole = all.length - unfinishedBytes(all);
    this.#pending = whole === all.length ? NOTHING : all.slice(whole);
    return this.#decoder.decode(all.subarray(0, whole));
  }
}

/** Length of a character that begins at the end of `bytes` and could still become whole. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

function lengthOf(lead: number): number {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0) return lead < 0xf0 ? 3 : 1;
  return 2;
}
