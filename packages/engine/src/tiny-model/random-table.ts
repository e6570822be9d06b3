const TABLE_SIZE = 1 << 18;

/** Numbers from a normal distribution, the same for the same seed. */
export interface RandomTable {
  /** `count` numbers that depend on `key` alone, times `scale`. */
  row(key: number, count: number, scale: number): Float64Array;
}

export function randomTable(seed: number): RandomTable {
  const next = xorshift(seed);
  const table = Float64Array.from({ length: TABLE_SIZE }, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
  return {
    row: (key, count, scale) => {
      const start = (key * 104_729) % TABLE_SIZE;
      return Float64Array.from({ length: count }, (_, n) => (table[(start + n) % TABLE_SIZE] ?? 0) * scale);
    },
  };
}

/** 0 ≤ x < 1, 32 bits of state. */
export function xorshift(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4_294_967_296;
  };
}
