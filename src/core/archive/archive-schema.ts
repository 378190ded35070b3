import type { FieldSchema, FieldType } from 'tantivy-napi';
import { ArchiveError } from './archive-error.ts';

/**
 * The fields of Chronik's Tantivy schema, by field id. It has been the same in every version that
 * writes archives (v1.3.34 to v2.10.4).
 */
export const ARCHIVE_FIELDS = [
  { name: '_offset', type: 'i64', indexed: true, fast: true },
  { name: '_ts', type: 'date', indexed: true, fast: true },
  { name: '_key', type: 'bytes', indexed: false, fast: false },
  { name: '_value', type: 'bytes', indexed: false, fast: false },
  { name: '_headers', type: 'text', indexed: true, fast: false },
  { name: '_attributes', type: 'i64', indexed: false, fast: false },
  { name: '_base_offset', type: 'i64', indexed: false, fast: false },
  { name: '_partition_leader_epoch', type: 'i64', indexed: false, fast: false },
  { name: '_producer_id', type: 'i64', indexed: false, fast: true },
  { name: '_producer_epoch', type: 'i64', indexed: false, fast: false },
  { name: '_base_sequence', type: 'i64', indexed: false, fast: false },
  { name: '_sequence', type: 'i64', indexed: false, fast: false },
  { name: '_is_transactional', type: 'bool', indexed: false, fast: false },
  { name: '_is_control', type: 'bool', indexed: false, fast: false },
  { name: '_compression', type: 'u64', indexed: false, fast: false },
  { name: '_timestamp_type', type: 'u64', indexed: false, fast: false },
] as const satisfies readonly {
  name: string;
  type: FieldType;
  indexed: boolean;
  fast: boolean;
}[];

export type ArchiveFieldName = (typeof ARCHIVE_FIELDS)[number]['name'];

/**
 * Fails with ArchiveError `archive-schema-differs` unless every field is there, stored, and of its
 * type. Further fields, and how a field is indexed, don't change what is read and are let through.
 */
export function checkArchiveSchema(schema: readonly FieldSchema[]): void {
  const byName = new Map(schema.map((field) => [field.name, field]));
  for (const { name, type } of ARCHIVE_FIELDS) {
    const found = byName.get(name);
    if (found?.type !== type || !found.stored) {
      throw new ArchiveError('archive-schema-differs', {
        field: name,
        expected: `${type}, stored`,
        found: found === undefined ? 'absent' : `${found.type}${found.stored ? ', stored' : ''}`,
      });
    }
  }
}

/**
 * Fails unless the schema is Chronik's field by field. Documents refer to fields by their position,
 * so with two fields swapped every record would still decode, into other ones.
 */
export function checkFieldOrder(schema: readonly FieldSchema[]): void {
  for (const [position, expected] of ARCHIVE_FIELDS.entries()) {
    const found = schema[position];
    if (
      found?.name !== expected.name ||
      found.fast !== expected.fast ||
      found.indexed !== expected.indexed
    ) {
      throw new ArchiveError('archive-schema-differs', {
        field: expected.name,
        position,
        expected: flagsOf(expected),
        found: found === undefined ? 'absent' : flagsOf(found),
      });
    }
  }
  const extra = schema[ARCHIVE_FIELDS.length];
  if (extra !== undefined) {
    throw new ArchiveError('archive-schema-differs', { field: extra.name, expected: 'absent' });
  }
}

function flagsOf(field: Pick<FieldSchema, 'name' | 'indexed' | 'fast'>): string {
  return `${field.name}${field.indexed ? ', indexed' : ''}${field.fast ? ', fast' : ''}`;
}
