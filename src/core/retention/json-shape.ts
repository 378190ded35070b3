import { SegctlError } from '../segctl-error.ts';
import type { JsonMembers, JsonValue } from './json-items.ts';

const MIN_I64 = -(2n ** 63n);
const MAX_I64 = 2n ** 63n - 1n;
const MAX_U64 = 2n ** 64n - 1n;
const MIN_I32 = -(2n ** 31n);
const MAX_I32 = 2n ** 31n - 1n;

/**
 * A value of a plan file together with its path (`delete[3].minOffset`), for reading it strictly:
 * whatever isn't as the format has it is the usage error `plan-malformed` that names the path.
 */
export class JsonShape {
  readonly value: JsonValue | undefined;
  readonly path: string;

  constructor(value: JsonValue | undefined, path: string) {
    this.value = value;
    this.path = path;
  }

  fail(expected: string): never {
    throw malformed(`${this.path === '' ? 'the plan' : this.path} is not ${expected}`, {
      path: this.path,
      expected,
      found: describe(this.value),
    });
  }

  /** The members of an object that has exactly these names, and more only with `open`. */
  object(names: readonly string[], open = false): (name: string) => JsonShape {
    const { value } = this;
    if (!(value instanceof Map)) {
      return this.fail('an object');
    }
    const members: JsonMembers = value;
    if (!open) {
      for (const name of members.keys()) {
        if (!names.includes(name)) {
          this.#member(members, name).fail(`a member of a plan of this version`);
        }
      }
    }
    for (const name of names) {
      if (!members.has(name)) {
        this.#member(members, name).fail('there');
      }
    }
    return (name) => this.#member(members, name);
  }

  array(): JsonShape[] {
    const { value } = this;
    return Array.isArray(value)
      ? value.map((item, nth) => new JsonShape(item, `${this.path}[${nth}]`))
      : this.fail('an array');
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('a string');
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('true or false');
  }

  oneOf<T extends string>(names: readonly T[]): T {
    return names.find((name) => name === this.value) ?? this.fail(`one of ${names.join(', ')}`);
  }

  orNull<T>(read: (shape: JsonShape) => T): T | null {
    return this.value === null ? null : read(this);
  }

  /** An int64, or one in a unit of which `perUnit` make one of the int64's. */
  i64(perUnit = 1n): bigint {
    return this.#integer(MIN_I64 * perUnit, MAX_I64 * perUnit, 'a 64-bit integer');
  }

  u64(): bigint {
    return this.#integer(0n, MAX_U64, 'an unsigned 64-bit integer');
  }

  i32(): number {
    return Number(this.#integer(MIN_I32, MAX_I32, 'a 32-bit integer'));
  }

  /** A whole number from 0 that a double holds. */
  count(): number {
    const value = this.#integer(0n, BigInt(Number.MAX_SAFE_INTEGER), 'a whole number');
    return Number(value);
  }

  /** RFC 3339 in UTC with milliseconds, as epoch ms. */
  instant(): number {
    const text = this.string();
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)
      ? Date.parse(text)
      : Number.NaN;
    return Number.isNaN(ms) ? this.fail('an RFC 3339 time in UTC with milliseconds') : ms;
  }

  #integer(least: bigint, greatest: bigint, expected: string): bigint {
    const { value } = this;
    const integer =
      typeof value === 'string' && /^(?:0|-?[1-9]\d{0,22})$/.test(value) ? BigInt(value) : value;
    return typeof integer === 'bigint' && integer >= least && integer <= greatest
      ? integer
      : this.fail(expected);
  }

  #member(members: JsonMembers, name: string): JsonShape {
    return new JsonShape(members.get(name), this.path === '' ? name : `${this.path}.${name}`);
  }
}

export function malformed(
  message: string,
  facts: Readonly<Record<string, string | number>>,
): SegctlError {
  return new SegctlError(message, {
    code: 'plan-malformed',
    exit: 'usage',
    facts,
    remedy: 'make the plan anew with segctl compact plan -o FILE; it is not meant to be edited',
  });
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) {
    return 'nothing';
  }
  if (Array.isArray(value)) {
    return 'an array';
  }
  if (value instanceof Map) {
    return 'an object';
  }
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
