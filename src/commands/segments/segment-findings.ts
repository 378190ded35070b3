import { type OpenArchive, readArchive } from '../../core/archive/read-archive.ts';
import type { UnpackLimits } from '../../core/archive/unpack-archive.ts';
import { type Finding, finding } from '../../core/findings.ts';
import type { SegmentEntry } from '../../core/segment-index/segment-entry.ts';
import { parseArchiveKey } from '../../core/verify/archive-key.ts';
import {
  entryFindings,
  entrySubject,
  objectFindings,
  scanFindings,
  told,
} from '../../core/verify/entry-findings.ts';
import { scanArchive } from '../../core/verify/scan-archive.ts';
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';

/** What a reading of one archive shows; parts that couldn't be read are absent. */
export interface SegmentReading {
  readonly info: ObjectInfo | undefined;
  readonly archive: ArchiveFacts | undefined;
  readonly findings: readonly Finding[];
}

/** What is told of an archive after it was closed. */
export type ArchiveFacts = Pick<
  OpenArchive['archive'],
  'metadata' | 'segments' | 'schema' | 'members' | 'documents' | 'unpackedBytes'
>;

/** Reads the whole archive of an entry and compares the two; for one segment what verify does for all. */
export async function readSegment(
  store: ObjectStore,
  entry: SegmentEntry,
  options: UnpackLimits & { readonly signal?: AbortSignal },
): Promise<SegmentReading> {
  const key = entry.objectStorePath;
  const subject = entrySubject(entry);
  const own = entryFindings(entry);
  const outcome = await readArchive(store, key, { ...options, whole: true }, async (archive) => {
    await archive.verifyFiles();
    const { metadata, segments, schema, members, documents, unpackedBytes } = archive;
    const facts = { metadata, segments, schema, members, documents, unpackedBytes };
    return { facts, scan: await scanArchive(archive, parseArchiveKey(key)) };
  });
  const failed = (found: Finding): SegmentReading => ({
    info: undefined,
    archive: undefined,
    findings: [...own, found],
  });
  switch (outcome.status) {
    case 'read': {
      const { facts, scan } = outcome.value;
      const findings = [
        ...own,
        ...objectFindings(entry, outcome.info),
        ...told(scan.problems, subject),
        ...scanFindings(entry, scan.scanned),
      ];
      return { info: outcome.info, archive: facts, findings };
    }
    case 'damaged': {
      const { damage, facts } = outcome.error;
      return { ...failed(finding(damage, subject, facts)), info: outcome.info };
    }
    case 'missing':
      return failed(finding('object-missing', subject));
    case 'changing':
      return failed(finding('object-in-flight', subject));
    case 'unreadable': {
      const { code, message } = outcome.error;
      return failed(finding('object-unreadable', subject, { code, message }));
    }
  }
}
