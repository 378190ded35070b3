import { ENTRY_FIELDS, INTEGER_RANGES } from '../../../src/core/segment-index/entry-fields.ts';

/** What a reader that knows nothing of ours makes of a file: keys and entries, or a refusal. */
export type ReferenceResult =
  | readonly (readonly [key: string, entries: readonly Record<string, string | bigint>[]])[]
  | 'refused';

/**
 * Reads an index by way of JSON.parse. Before, numbers are quoted and keys numbered, so that no
 * digit is lost and no repeated key swallowed. Follows serde's rules where JSON leaves a choice.
 */
export function referenceRead(bytes: Uint8Array): ReferenceResult {
  let document: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
    document = JSON.parse(tagged(text));
  } catch {
    return 'refused';
  }
  if (!isObject(document)) return 'refused';
  const keys: (readonly [string, Record<string, string | bigint>[]])[] = [];
  for (const [key, list] of Object.entries(document)) {
    if (!Array.isArray(list)) return 'refused';
    const name = untag(key);
    if (hasLoneSurrogate(name)) return 'refused';
    const entries: Record<string, string | bigint>[] = [];
    for (const item of list) {
      const entry = readEntry(item);
      if (entry === undefined) return 'refused';
      entries.push(entry);
    }
    keys.push([name, entries]);
  }
  return keys;
}

/** Numbers become strings that begin with '#', keys get '@' and a serial number at their end. */
function tagged(text: string): string {
  let serial = 0;
  return text.replace(
    /("(?:[^"\\]|\\.)*")([ \t\r\n]*:)?|-?[0-9][0-9.eE+-]*/g,
    (whole, string?: string, colon?: string) => {
      if (string === undefined) return `"#${whole}"`;
      return colon === undefined
        ? `"$${string.slice(1)}`
        : `${string.slice(0, -1)}@${serial++}"${colon}`;
    },
  );
}

function untag(key: string): string {
  return key.slice(0, key.lastIndexOf('@'));
}

function readEntry(item: unknown): Record<string, string | bigint> | undefined {
  if (!isObject(item) && !Array.isArray(item)) return undefined;
  const pairs: [string, unknown][] = Array.isArray(item)
    ? item.map((value, i) => [ENTRY_FIELDS[i]?.name ?? 'too many', value])
    : Object.entries(item).map(([key, value]) => [untag(key), value]);
  const entry: Record<string, string | bigint> = {};
  for (const [name, value] of pairs) {
    if (hasLoneSurrogate(name) || name === 'too many') return undefined;
    const field = ENTRY_FIELDS.find((one) => one.name === name);
    if (field === undefined) continue;
    const read = readValue(field.type, value);
    if (read === undefined || name in entry) return undefined;
    entry[name] = read;
  }
  return ENTRY_FIELDS.every((field) => field.name in entry) ? entry : undefined;
}

function readValue(type: 'string' | 'i32' | 'i64' | 'u64', value: unknown) {
  if (typeof value !== 'string') return undefined;
  if (type === 'string') {
    return value.startsWith('$') && !hasLoneSurrogate(value) ? value.slice(1) : undefined;
  }
  if (!/^#-?[0-9]+$/.test(value) || value === '#-0') return undefined;
  const integer = BigInt(value.slice(1));
  const { min, max } = INTEGER_RANGES[type];
  return integer < min || integer > max ? undefined : integer;
}

function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
