import { SegctlError } from '../segctl-error.ts';
import { ENTRY_FIELDS, EXPECTED, INTEGER_RANGES } from './entry-fields.ts';
import type { SegmentEntry } from './segment-entry.ts';

/**
 * An entry as serde_json's pretty printer writes it inside the index: its value begins at the '{',
 * lines after the first are indented for an array of a top-level key, and there is no line break at
 * the end. Throws `entry-invalid` for a value that the server could not read back.
 */
export function formatEntry(entry: SegmentEntry): string {
  const values = entryValues(entry);
  const lines = ENTRY_FIELDS.map((field, number) => {
    const value = values[number] ?? '';
    return `      "${field.name}": ${formatValue(field.name, field.type, value)}`;
  });
  return `{\n${lines.join(',\n')}\n    }`;
}

/** The values in the order of ENTRY_FIELDS. */
function entryValues(entry: SegmentEntry): readonly (string | bigint | number)[] {
  return [
    entry.segmentId,
    entry.topic,
    entry.partition,
    entry.minOffset,
    entry.maxOffset,
    entry.recordCount,
    entry.minTimestamp,
    entry.maxTimestamp,
    entry.objectStorePath,
    entry.sizeBytes,
    entry.createdAtSeconds,
    entry.compression,
  ];
}

/** True where two entries are equal in all twelve fields. */
export function sameEntry(a: SegmentEntry, b: SegmentEntry): boolean {
  const other = entryValues(b);
  return entryValues(a).every((value, number) => value === other[number]);
}

/** A string as serde_json writes it, which is how JSON.stringify does. */
export function formatString(name: string, text: string): string {
  // JSON.stringify would write a lone surrogate as an escape that serde_json refuses.
  if (/\p{Surrogate}/u.test(text)) throw invalid(name, 'well-formed Unicode', text);
  return JSON.stringify(text);
}

function formatValue(
  name: string,
  type: keyof typeof EXPECTED,
  value: string | bigint | number,
): string {
  if (type === 'string') {
    if (typeof value !== 'string') throw invalid(name, EXPECTED.string, String(value));
    return formatString(name, value);
  }
  const { min, max } = INTEGER_RANGES[type];
  const whole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!whole || typeof value === 'string' || value < min || value > max) {
    throw invalid(name, EXPECTED[type], String(value));
  }
  // BigInt has no negative zero, which would be written "-0" and refused.
  return BigInt(value).toString();
}

function invalid(name: string, expected: string, found: string): SegctlError {
  return new SegctlError(`an index entry can't hold this ${name}: expected ${expected}`, {
    code: 'entry-invalid',
    exit: 'failed',
    facts: { field: name, expected, found },
    remedy: 'nothing was written; report this with the archive that the entry was made from',
  });
}
