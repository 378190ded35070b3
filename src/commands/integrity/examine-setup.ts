import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { readArchive } from '../../core/archive/read-archive.ts';
import { readHistory } from '../../core/compaction/history.ts';
import type { ExitName } from '../../core/exit-codes.ts';
import { type Finding, finding } from '../../core/findings.ts';
import { SegctlError } from '../../core/segctl-error.ts';
import type { SegmentIndex } from '../../core/segment-index/segment-index.ts';
import { parseArchiveKey } from '../../core/verify/archive-key.ts';
import { told } from '../../core/verify/entry-findings.ts';
import { indexFindings } from '../../core/verify/index-findings.ts';
import { archivePrefixes } from '../../core/verify/listing.ts';
import { scanArchive } from '../../core/verify/scan-archive.ts';
import { loadIndex } from '../../storage/index-file.ts';
import type { ObjectInfo, ObjectStore } from '../../storage/object-store.ts';
import { FsRunFiles } from '../../storage/run-files.ts';
import { lockHolder } from '../../storage/run-lock.ts';
import { indexPathOf } from '../compact/open-engine.ts';
import { findingsExit, writeFindings } from './findings-report.ts';

/** A sample of the store that takes seconds, also where a listing of all would take hours. */
const SAMPLE_OBJECTS = 1000;
/** Clocks of a server and of a store differ by less. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
const LIMITS = { maxUnpackedBytes: 1024 ** 3 };

interface Examination {
  readonly context: Context;
  readonly findings: Finding[];
  /** What was looked at and is in order, for people. */
  readonly sound: string[];
}

/** Looks at everything that a command needs, each in seconds; one failure hides no other. */
export async function examine(context: Context): Promise<ExitName | undefined> {
  const examination: Examination = { context, findings: [], sound: [] };
  const index = await examineIndex(examination);
  await examineDataDir(examination, index);
  await examineJournal(examination);
  await examineStore(examination, index);
  const { findings, sound } = examination;
  await writeFindings(context, findings, {
    members: { checked: sound },
    sentences: sound.map((line) => `ok: ${line}`),
  });
  return findingsExit(findings);
}

async function examineIndex(examination: Examination): Promise<SegmentIndex | undefined> {
  const { context, findings, sound } = examination;
  const path = indexPathOf(context);
  try {
    const { index } = await loadIndex(path, { signal: context.signal, digest: false });
    findings.push(...indexFindings(index).filter(({ id }) => id !== 'max-timestamp-lost'));
    sound.push(`the index ${path} is readable: ${index.rowCount} entries`);
    examineClock(examination, index);
    return index;
  } catch (error) {
    if (!(error instanceof SegctlError)) throw error;
    const id = error.code === 'index-malformed' ? 'index-refused' : 'index-missing';
    findings.push(finding(id, {}, { ...error.facts, message: error.message }));
    return undefined;
  }
}

/** Entries of the future would never grow old. */
function examineClock({ context, findings, sound }: Examination, index: SegmentIndex): void {
  const nowMs = context.nowMs;
  let newest = 0n;
  for (let row = 0; row < index.rowCount; row++) {
    const created = index.createdAtSeconds(row);
    if (created > newest) newest = created;
  }
  const newestMs = Number(newest) * 1000;
  if (newestMs > nowMs + CLOCK_TOLERANCE_MS) {
    findings.push(finding('clock-off', {}, { newestCreatedAtSeconds: newest, nowMs }));
  } else sound.push('the clock is behind none of the entries');
}

async function examineDataDir(
  { context, findings, sound }: Examination,
  index: SegmentIndex | undefined,
): Promise<void> {
  const dataDir = resolve(context.settings.dataDir);
  const folders = new Set([dataDir, dirname(resolve(indexPathOf(context)))]);
  for (const folder of folders) {
    try {
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
      const state = join(folder, '.segctl');
      if (folder === dataDir && (await exists(state))) await access(state, constants.W_OK);
      sound.push(`${folder} can be written`);
    } catch (error) {
      const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      findings.push(finding('data-dir-unwritable', {}, { folder, errno }));
      continue;
    }
    await examineSpace({ context, findings, sound }, folder, index?.origin.sizeBytes ?? 0);
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function examineSpace(
  { findings, sound }: Examination,
  folder: string,
  indexBytes: number,
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const neededBytes = 2 * indexBytes + 16 * 1024 ** 2;
  if (freeBytes < neededBytes) {
    findings.push(finding('space-low', {}, { folder, freeBytes, neededBytes }));
  } else sound.push(`${folder} has space for the index and the journal`);
}

async function examineJournal({ context, findings, sound }: Examination): Promise<void> {
  const { dataDir } = context.settings;
  const holder = await lockHolder(dataDir);
  if (holder !== undefined) {
    const { command, pid, host, sinceMs } = holder;
    findings.push(finding('lock-held', {}, { command, pid, host, sinceMs }));
  } else sound.push('no run is at work');
  const { runs, unfinished } = await readHistory(new FsRunFiles(dataDir));
  // A run that is at work is unfinished, and nothing is wrong with that.
  if (holder === undefined) {
    for (const runId of unfinished) findings.push(finding('run-unfinished', { runId }));
  }
  sound.push(`the journal is readable: ${runs.length} runs`);
}

async function examineStore(
  examination: Examination,
  index: SegmentIndex | undefined,
): Promise<void> {
  const { context, findings, sound } = examination;
  try {
    const store = await context.openStore();
    const sample = await sampleStore(context, store, index);
    sound.push(`the store ${store.url} answers`);
    if (sample.length === 0) {
      const entries = index?.rowCount ?? 0;
      if (entries > 0) findings.push(finding('store-empty', {}, { store: store.url, entries }));
      return;
    }
    await decodeOne(examination, store, sample);
  } catch (error) {
    if (!(error instanceof SegctlError)) throw error;
    const facts = { code: error.code, message: error.message, ...error.facts };
    findings.push(finding('store-unreachable', {}, facts));
  }
}

async function sampleStore(
  { settings, signal }: Context,
  store: ObjectStore,
  index: SegmentIndex | undefined,
): Promise<ObjectInfo[]> {
  const paths = index !== undefined && index.rowCount > 0 ? [index.objectStorePath(0)] : [];
  const sample: ObjectInfo[] = [];
  let seen = 0;
  for (const prefix of archivePrefixes(paths, settings.dataDir)) {
    for await (const info of store.list(prefix, { signal })) {
      if (parseArchiveKey(info.key) !== undefined) sample.push(info);
      if (++seen >= SAMPLE_OBJECTS) return sample;
    }
  }
  return sample;
}

/** The smallest archive of the sample stands for all: does this machine decode what is there? */
async function decodeOne(
  { context, findings, sound }: Examination,
  store: ObjectStore,
  sample: readonly ObjectInfo[],
): Promise<void> {
  const smallest = [...sample].sort((a, b) => a.sizeBytes - b.sizeBytes)[0];
  if (smallest === undefined) return;
  const place = parseArchiveKey(smallest.key);
  const subject = {
    ...(place === undefined ? {} : { topic: place.topic, partition: place.partition }),
    objectStorePath: smallest.key,
  };
  try {
    await import('tantivy-napi');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    findings.push(finding('native-module-missing', {}, { message }));
    return;
  }
  const options = { ...LIMITS, signal: context.signal };
  const outcome = await readArchive(store, smallest.key, options, (archive) =>
    scanArchive(archive, place),
  );
  if (outcome.status === 'damaged') {
    findings.push(...told([{ id: outcome.error.damage, facts: outcome.error.facts }], subject));
  } else if (outcome.status === 'read') {
    sound.push(`an archive decodes: ${outcome.value.scanned.stats.records} records`);
  }
}
