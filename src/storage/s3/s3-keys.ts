import { canonicalPrefix } from '../canonical-key.ts';

/**
 * Chronik's rule for the key on S3: `trimEnd(prefix, '/') + '/' + key`, and without a prefix the key
 * alone. It is joined as text, so that `/data/x` under `prod` is the literal `prod//data/x`; an
 * empty prefix that is set gives a leading slash.
 */
export function toS3Key(prefix: string | undefined, key: string): string {
  return prefix === undefined ? key : `${prefix.replace(/\/+$/, '')}/${key}`;
}

/**
 * The key that `toS3Key` makes `s3Key` of. A server that folds keys lists them without the prefix's
 * own oddities, so its folded spelling is taken off too. Undefined when the key isn't below it.
 */
export function fromS3Key(prefix: string | undefined, s3Key: string): string | undefined {
  if (prefix === undefined) {
    return s3Key;
  }
  const literal = toS3Key(prefix, '');
  if (s3Key.startsWith(literal)) {
    return s3Key.slice(literal.length);
  }
  const folded = canonicalPrefix(literal);
  return s3Key.startsWith(folded) ? s3Key.slice(folded.length) : undefined;
}

/**
 * Whether an XML 1.0 document can carry the key unharmed. DeleteObjects names its keys in XML, where
 * control characters, U+FFFE, U+FFFF and lone surrogates are illegal (XML 1.0, 2.2) and a carriage
 * return is read as a line feed (2.11): such keys are deleted one by one, in the URL.
 */
export function isXmlSafe(key: string): boolean {
  return !XML_UNSAFE.test(key);
}

const XML_UNSAFE = /[\p{Cc}\p{Cs}\ufffe\uffff]/u;

/** A key as the `x-amz-copy-source` header and URLs want it: encoded, the slashes as they are. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

/**
 * Undoes `encoding-type=url` of a listing, where a space may come as `+`. What isn't URL-encoded
 * after all comes back as it is.
 */
export function decodeListedKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}
