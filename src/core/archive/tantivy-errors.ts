import type { TantivyErrorCode } from 'tantivy-napi';
import { type ArchiveDamage, ArchiveError } from './archive-error.ts';

const DAMAGE: Partial<Record<TantivyErrorCode, ArchiveDamage>> = {
  TANTIVY_CORRUPT_FILE: 'archive-index-damaged',
  TANTIVY_MISSING_FILE: 'archive-member-missing',
  TANTIVY_UNSUPPORTED_VERSION: 'archive-format-unsupported',
  TANTIVY_UNSUPPORTED_CODEC: 'archive-format-unsupported',
  TANTIVY_SCHEMA: 'archive-schema-differs',
  TANTIVY_FIELD_TYPE: 'archive-record-invalid',
  TANTIVY_MULTI_VALUED: 'archive-record-invalid',
  TANTIVY_LIMIT: 'archive-too-large',
  TANTIVY_PANIC: 'archive-index-damaged',
};

/** Runs `work` and gives tantivy-napi's coded errors as ArchiveErrors; all others pass through. */
export async function withTantivyErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { TantivyError } = await import('tantivy-napi');
    if (!(error instanceof TantivyError)) throw error;
    const damage = DAMAGE[error.code];
    if (damage === undefined) throw error;
    const member = error.file === undefined ? {} : { member: `index/${error.file}` };
    throw new ArchiveError(damage, { ...member, tantivy: error.message }, { cause: error });
  }
}
