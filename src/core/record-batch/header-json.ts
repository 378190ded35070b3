import { SegctlError } from '../segctl-error.ts';
import type { RecordHeader } from './record.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Reads headers as Chronik archives them: JSON text `[{"key":"h","value":[104,105]}]` in UTF-8, a
 * value being null or an array of byte values. Order and duplicate keys are kept. Zero-length text
 * stands for no headers, as `[]` does.
 *
 * @throws SegctlError `headers-malformed` for anything else, also for members it does not know:
 * leaving one out would lose data without a word.
 */
export function parseHeaders(text: Uint8Array): RecordHeader[] {
  if (text.length === 0) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(text));
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : 'unreadable', cause);
  }
  if (!Array.isArray(parsed)) throw malformed('not an array');
  return parsed.map(parseHeader);
}

/** The JSON text that `parseHeaders` reads, in the form that Chronik writes. */
export function formatHeaders(headers: readonly RecordHeader[]): Uint8Array {
  const plain = headers.map(({ key, value }) => ({ key, value: value && Array.from(value) }));
  return encoder.encode(JSON.stringify(plain));
}

function parseHeader(entry: unknown, index: number): RecordHeader {
  if (typeof entry !== 'object' || entry === null) throw malformed(`entry ${index} is no object`);
  const names = Object.keys(entry);
  if (names.length !== 2 || !('key' in entry) || !('value' in entry)) {
    throw malformed(`entry ${index} has members other than key and value`);
  }
  const { key, value } = entry;
  if (typeof key !== 'string') throw malformed(`the key of entry ${index} is no string`);
  if (value === null) return { key, value };
  if (!Array.isArray(value)) throw malformed(`the value of entry ${index} is no array`);
  const bytes = new Uint8Array(value.length);
  for (let i = 0; i < value.length; i++) {
    const byte: unknown = value[i];
    if (typeof byte !== 'number' || !Number.isInteger(byte) || byte < 0 || byte > 255) {
      throw malformed(`the value of entry ${index} holds what is no byte at ${i}`);
    }
    bytes[i] = byte;
  }
  return { key, value: bytes };
}

function malformed(reason: string, cause?: unknown): SegctlError {
  return new SegctlError(`the archived headers of a record can't be read: ${reason}`, {
    code: 'headers-malformed',
    facts: { reason },
    cause,
  });
}
