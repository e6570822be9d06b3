/**
 * Reads typed fields of one parsed JSON object and notes what is wrong instead of throwing.
 *
 * A field with a problem reads as an empty value; whoever started the reading discards the result when `problems` is not empty.
 */
export class FieldReader {
  readonly #record: Record<string, unknown>;

  constructor(
    value: unknown,
    private readonly at: string,
    private readonly problems: string[],
  ) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject) problems.push(`${at} is not an object`);
    this.#record = isObject ? (value as Record<string, unknown>) : {};
  }

  get names(): readonly string[] {
    return Object.keys(this.#record);
  }

  raw(name: string): unknown {
    return this.#record[name];
  }

  text(name: string): string {
    const value = this.#record[name];
    return typeof value === 'string' ? value : this.#wrong(name, 'a text', '');
  }

  textOrNull(name: string): string | null {
    return this.#record[name] === null ? null : this.text(name);
  }

  number(name: string): number {
    const value = this.#record[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : this.#wrong(name, 'a number', 0);
  }

  numberOrNull(name: string): number | null {
    return this.#record[name] === null ? null : this.number(name);
  }

  flag(name: string): boolean {
    const value = this.#record[name];
    return typeof value === 'boolean' ? value : this.#wrong(name, 'true or false', false);
  }

  texts(name: string): readonly string[] {
    const value = this.#record[name];
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : this.#wrong(name, 'a list of texts', []);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
    const value = this.#record[name];
    return allowed.find((item) => item === value) ?? this.#wrong(name, `one of ${allowed.join(', ')}`, otherwise);
  }

  child(name: string): FieldReader {
    return new FieldReader(this.#record[name], `${this.at}.${name}`, this.problems);
  }

  /** A list of objects. */
  children(name: string): readonly FieldReader[] {
    const value = this.#record[name];
    if (!Array.isArray(value)) return this.#wrong(name, 'a list', []);
    return value.map((item: unknown, n) => new FieldReader(item, `${this.at}.${name}[${n}]`, this.problems));
  }

  note(name: string, problem: string): void {
    this.problems.push(`${this.at}.${name} ${problem}`);
  }

  #wrong<T>(name: string, expected: string, otherwise: T): T {
    this.note(name, `is not ${expected}`);
    return otherwise;
  }
}
