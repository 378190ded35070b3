const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const REPLACEMENT = '\ufffd';
/** Lead byte of U+D000 to U+DFFF. */
const SURROGATE_LEAD = 0xed;

/**
 * Bytes as Java's `new String(bytes, UTF_8)` reads them, so that text compares with what Kafka's
 * tools print. It puts U+FFFD where the WHATWG decoder does, but for surrogates (ED A0..BF and a
 * byte): Java counts an encoded surrogate as one fault, WHATWG each of its bytes.
 */
export function decodeAsJava(bytes: Uint8Array): string {
  let text = '';
  let from = 0;
  let at = bytes.indexOf(SURROGATE_LEAD);
  while (at !== -1) {
    if (isBetween(bytes[at + 1], 0xa0, 0xbf)) {
      text += decoder.decode(bytes.subarray(from, at)) + REPLACEMENT;
      from = at + (isBetween(bytes[at + 2], 0x80, 0xbf) ? 3 : 2);
    }
    at = bytes.indexOf(SURROGATE_LEAD, at + 1);
  }
  return text + decoder.decode(bytes.subarray(from));
}

function isBetween(byte: number | undefined, low: number, high: number): boolean {
  return byte !== undefined && byte >= low && byte <= high;
}
