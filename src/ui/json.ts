/** What the machine formats can express. int64s stay bigint until they are written. */
export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * Characters that are legal in a JSON string but that a terminal obeys or hides. In JSON text they
 * can stand inside strings alone, so their escapes keep the document's meaning.
 */
const UNESCAPED_BY_JSON =
  /[\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;
const NON_ASCII_OR_DEL = /[\x7f-\uffff]/;

function escapeUnits(found: string): string {
  let escaped = '';
  for (let i = 0; i < found.length; i++) {
    escaped += `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return escaped;
}

/**
 * An int64 in a form that every JSON reader keeps: a number up to 2^53 - 1 in magnitude, a decimal
 * string beyond (RFC 8259 section 6 on interoperable integers).
 */
export function jsonInteger(value: bigint): number | string {
  return value >= MIN_SAFE && value <= MAX_SAFE ? Number(value) : value.toString();
}
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const MIN_SAFE = BigInt(Number.MIN_SAFE_INTEGER);

/** `text` as a JSON string, quotes included; valid and safe to show whatever `text` holds. */
export function jsonString(text: string): string {
  const json = JSON.stringify(text);
  return NON_ASCII_OR_DEL.test(json) ? json.replace(UNESCAPED_BY_JSON, escapeUnits) : json;
}

/**
 * `value` as JSON text; `indent` as in JSON.stringify. Numbers that JSON lacks (NaN, infinities)
 * become null, members that are undefined are left out, lone surrogates are escaped.
 */
export function toJson(value: JsonValue, indent?: number): string {
  const json = JSON.stringify(value, replaceBigint, indent);
  return NON_ASCII_OR_DEL.test(json) ? json.replace(UNESCAPED_BY_JSON, escapeUnits) : json;
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? jsonInteger(value) : value;
}
