import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalKey, canonicalPrefix } from '../../src/storage/canonical-key.ts';
import {
  decodeListedKey,
  encodeKey,
  fromS3Key,
  isXmlSafe,
  toS3Key,
} from '../../src/storage/s3/s3-keys.ts';
import { propertyOptions } from './property-options.ts';

const part = fc.constantFrom('', '.', 'data', 'a', 'seg-0-9', '..', '.x');
const spelledKey = fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => parts.join('/'));

describe('canonical keys', () => {
  test.each([
    ['/data/x', 'data/x'],
    ['./data/x', 'data/x'],
    ['pfx//data/./x', 'pfx/data/x'],
    ['.hidden/x', '.hidden/x'],
  ])('%s', (key, canonical) => {
    expect(canonicalKey(key)).toBe(canonical);
  });

  test.each([
    ['/data/', 'data/'],
    ['./data/seg', 'data/seg'],
    ['/', ''],
    ['', ''],
    ['a//.', 'a/.'],
    ['data', 'data'],
  ])('prefix %s', (prefix, canonical) => {
    expect(canonicalPrefix(prefix)).toBe(canonical);
  });

  test('a key begins with a prefix of itself, canonically too', () => {
    const property = fc.property(spelledKey, fc.nat(7), (key, count) => {
      const folder = `${key.split('/').slice(0, count).join('/')}/`;
      const below = `${folder}x`;
      expect(canonicalKey(below).startsWith(canonicalPrefix(folder))).toBe(true);
      expect(canonicalKey(canonicalKey(key))).toBe(canonicalKey(key));
    });
    fc.assert(property, propertyOptions(200));
  });
});

describe('S3 keys', () => {
  test.each([
    [undefined, '/data/x', '/data/x'],
    ['prod/eu', './data/x', 'prod/eu/./data/x'],
    ['prod//', '/data/x', 'prod//data/x'],
    ['', '/data/x', '//data/x'],
    ['///', 'x', '/x'],
  ])('with the prefix %s', (prefix, key, s3Key) => {
    expect(toS3Key(prefix, key)).toBe(s3Key);
    expect(fromS3Key(prefix, s3Key)).toBe(key);
  });

  test('a folded listing comes back below the prefix, what is elsewhere does not', () => {
    expect(fromS3Key('/odd//prod', 'odd/prod/data/x')).toBe('data/x');
    expect(fromS3Key('', 'data/x')).toBe('data/x');
    expect(fromS3Key('prod', 'production/x')).toBeUndefined();
  });

  test('any key goes to S3 and back', () => {
    const prefix = fc.option(spelledKey, { nil: undefined });
    const property = fc.property(prefix, spelledKey, (pre, key) => {
      expect(fromS3Key(pre, toS3Key(pre, key))).toBe(key);
    });
    fc.assert(property, propertyOptions(200));
  });

  test('what XML cannot carry', () => {
    for (const key of ['a\u0000', 'a\rb', '\u001f', '\ufffe', '\ud800', '\u0085']) {
      expect(isXmlSafe(key), JSON.stringify(key)).toBe(false);
    }
    for (const key of ['/data/x', 'ä&<>"\'', '😀', ' ']) {
      expect(isXmlSafe(key), key).toBe(true);
    }
  });

  test('encoding', () => {
    expect(encodeKey('/a b/ä+?')).toBe('/a%20b/%C3%A4%2B%3F');
    expect(decodeListedKey('a+b%2Bc%20d')).toBe('a b+c d');
    expect(decodeListedKey('100%')).toBe('100%');
  });
});
