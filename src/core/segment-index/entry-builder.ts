import { ENTRY_FIELDS, EXPECTED, FIELD, type FieldType, INTEGER_RANGES } from './entry-fields.ts';
import { JsonFault } from './json-fault.ts';
import type { JsonKind } from './json-machine.ts';
import type { TextBuffer } from './json-text.ts';
import type { SegmentEntry } from './segment-entry.ts';

const UNKNOWN_FIELD = -1;
const FIELD_NAMES = ENTRY_FIELDS.map((field) => new TextEncoder().encode(field.name));
const FIELD_NUMBERS: ReadonlyMap<string, number> = new Map(
  ENTRY_FIELDS.map((field, number) => [field.name, number]),
);

/**
 * Puts an entry together from its fields, and refuses what serde refuses: wrong types, numbers out
 * of range, known fields that are missing or come twice. An entry may also be an array of its twelve
 * values, as serde takes every struct.
 */
export class EntryBuilder {
  /** Offset of the entry's first byte. */
  start = 0;
  #asSequence = false;
  #field = UNKNOWN_FIELD;
  /** Between a field's name and the end of its value. */
  #inField = false;
  #lastField = UNKNOWN_FIELD;
  /** Bit n is 1 where field n was there. */
  #seen = 0;
  readonly #strings: string[] = [];
  readonly #integers: bigint[] = [];
  #unknown: string[] = [];

  begin(asSequence: boolean, at: number): void {
    this.start = at;
    this.#asSequence = asSequence;
    this.#field = asSequence ? 0 : UNKNOWN_FIELD;
    this.#inField = false;
    this.#lastField = UNKNOWN_FIELD;
    this.#seen = 0;
    this.#unknown = [];
  }

  key(text: TextBuffer, at: number): void {
    this.#inField = true;
    // Mostly a field follows the one that the server writes before it.
    const next = this.#lastField + 1;
    const expected = FIELD_NAMES[next];
    if (expected !== undefined && text.equals(expected)) this.#field = next;
    else this.#field = FIELD_NUMBERS.get(text.toString()) ?? UNKNOWN_FIELD;
    if (this.#field === UNKNOWN_FIELD) {
      this.#unknown.push(text.toString());
      return;
    }
    this.#lastField = this.#field;
    if ((this.#seen & (1 << this.#field)) !== 0) {
      const name = ENTRY_FIELDS[this.#field]?.name;
      throw new JsonFault(at, 'each known field once', `"${name}" a second time`);
    }
  }

  /** False where the field is unknown, so that its value is ignored. */
  beginValue(kind: JsonKind, at: number): boolean {
    if (this.#field === UNKNOWN_FIELD) return false;
    const field = ENTRY_FIELDS[this.#field];
    if (field === undefined) {
      throw new JsonFault(at, `the end of an entry of ${ENTRY_FIELDS.length} values`, 'one more');
    }
    expectKind(kind, field.type === 'string' ? 'string' : 'number', EXPECTED[field.type], at);
    return true;
  }

  value(text: TextBuffer, at: number): void {
    const type = ENTRY_FIELDS[this.#field]?.type ?? 'string';
    if (type === 'string') this.#strings[this.#field] = text.toString();
    else this.#integers[this.#field] = parseInteger(text, type, at);
    this.endValue();
  }

  endValue(): void {
    if (this.#field !== UNKNOWN_FIELD) this.#seen |= 1 << this.#field;
    if (this.#asSequence) this.#field++;
    else this.#inField = false;
  }

  /** The entry that ends before the offset `end`. */
  finish(end: number): SegmentEntry {
    const missing = ENTRY_FIELDS.find((_, number) => (this.#seen & (1 << number)) === 0);
    if (missing !== undefined) {
      throw new JsonFault(end - 1, `the field "${missing.name}"`, 'the end of the entry');
    }
    return {
      segmentId: this.#text(FIELD.segmentId),
      topic: this.#text(FIELD.topic),
      partition: Number(this.#integer(FIELD.partition)),
      minOffset: this.#integer(FIELD.minOffset),
      maxOffset: this.#integer(FIELD.maxOffset),
      recordCount: this.#integer(FIELD.recordCount),
      minTimestamp: this.#integer(FIELD.minTimestamp),
      maxTimestamp: this.#integer(FIELD.maxTimestamp),
      objectStorePath: this.#text(FIELD.objectStorePath),
      sizeBytes: this.#integer(FIELD.sizeBytes),
      createdAtSeconds: this.#integer(FIELD.createdAt),
      compression: this.#text(FIELD.compression),
    };
  }

  /** Names of fields that Chronik doesn't know, in the order of the file. */
  get unknownFields(): readonly string[] {
    return this.#unknown;
  }

  /** The field under way as the end of a JSON path; '' between fields. */
  get fieldPath(): string {
    if (this.#asSequence) return `[${this.#field}]`;
    if (!this.#inField) return '';
    const known = ENTRY_FIELDS[this.#field]?.name;
    const name = known ?? this.#unknown.at(-1) ?? '';
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
  }

  #text(field: number): string {
    return this.#strings[field] ?? '';
  }

  #integer(field: number): bigint {
    return this.#integers[field] ?? 0n;
  }
}

export function expectKind(kind: JsonKind, wanted: JsonKind, expected: string, at: number): void {
  if (kind !== wanted) throw new JsonFault(at, expected, kindText(kind));
}

export function kindText(kind: JsonKind): string {
  if (kind === 'object' || kind === 'array') return `an ${kind}`;
  return kind === 'string' || kind === 'number' ? `a ${kind}` : kind;
}

/** serde takes an integer only as plain digits: `1.0` and `1e3` are floats to it, and so is `-0`. */
function parseInteger(text: TextBuffer, type: Exclude<FieldType, 'string'>, at: number): bigint {
  const small = type === 'i32' ? undefined : text.smallInteger();
  if (small !== undefined) return BigInt(small);
  const digits = text.toString();
  // The longest value in range has 20 characters.
  const plain = digits.length <= 20 && /^-?[0-9]+$/.test(digits) && digits !== '-0';
  const value = plain ? BigInt(digits) : undefined;
  const { min, max } = INTEGER_RANGES[type];
  if (value === undefined || value < min || value > max) {
    const shown = digits.length > 40 ? `${digits.slice(0, 40)}...` : digits;
    throw new JsonFault(at, EXPECTED[type], shown);
  }
  return value;
}
