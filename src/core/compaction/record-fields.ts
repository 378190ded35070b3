/** A line of a journal that is not what this version writes. The reader names the run and the line. */
export class BadRecord extends Error {}

/** Reads typed fields out of parsed JSON; what has another type is a BadRecord that names the field. */
export class RecordFields {
  readonly #object: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (!isObject(value)) throw new BadRecord('it is not a JSON object');
    this.#object = value;
  }

  text(name: string): string {
    const value = this.#object[name];
    return typeof value === 'string' ? value : wrong(name, 'a string');
  }

  textOrNull(name: string): string | null {
    return this.#object[name] === null ? null : this.text(name);
  }

  flag(name: string): boolean {
    const value = this.#object[name];
    return typeof value === 'boolean' ? value : wrong(name, 'a boolean');
  }

  /** A whole number within ±2^53. */
  whole(name: string): number {
    const value = this.#object[name];
    return typeof value === 'number' && Number.isSafeInteger(value)
      ? value
      : wrong(name, 'a whole number');
  }

  wholeOrNull(name: string): number | null {
    return this.#object[name] === null ? null : this.whole(name);
  }

  /** An integer written as a string of digits. */
  big(name: string): bigint {
    const value = this.text(name);
    return /^-?\d{1,20}$/.test(value) ? BigInt(value) : wrong(name, 'an integer in digits');
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.#object[name];
    return (
      choices.find((choice) => choice === value) ?? wrong(name, `one of ${choices.join(', ')}`)
    );
  }

  wholes(name: string): number[] {
    const value = this.#object[name];
    const numbers = Array.isArray(value) ? value.filter((one) => Number.isSafeInteger(one)) : [];
    return Array.isArray(value) && numbers.length === value.length
      ? numbers
      : wrong(name, 'a list of whole numbers');
  }

  nested(name: string): RecordFields {
    const value = this.#object[name];
    return isObject(value) ? new RecordFields(value) : wrong(name, 'an object');
  }

  nestedOrNull(name: string): RecordFields | null {
    return this.#object[name] === null ? null : this.nested(name);
  }

  list(name: string): RecordFields[] {
    const value = this.#object[name];
    return Array.isArray(value)
      ? value.map((one) => new RecordFields(one))
      : wrong(name, 'a list of objects');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(name: string, expected: string): never {
  throw new BadRecord(`"${name}" is not ${expected}`);
}
