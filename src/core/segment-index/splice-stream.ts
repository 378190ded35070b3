import { insertText, type Splice } from './array-splices.ts';
import type { ByteSource } from './byte-source.ts';
import { formatEntry, formatString } from './entry-format.ts';
import type { SegmentEntry } from './segment-entry.ts';

const BUFFER_BYTES = 1 << 20;

/** Gathers small pieces into large chunks; a chunk is valid until the next one is asked for. */
class Gatherer {
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;

  *bytes(piece: Uint8Array): Iterable<Uint8Array> {
    let from = 0;
    while (from < piece.length) {
      const part = piece.subarray(from, from + BUFFER_BYTES - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      from += part.length;
      if (this.#used === BUFFER_BYTES) yield* this.flush();
    }
  }

  *text(text: string): Iterable<Uint8Array> {
    // Three bytes a UTF-16 unit is the most that UTF-8 takes.
    if (text.length * 3 <= BUFFER_BYTES - this.#used) {
      this.#used += this.#buffer.write(text, this.#used, 'utf8');
    } else {
      yield* this.bytes(Buffer.from(text, 'utf8'));
    }
  }

  *flush(): Iterable<Uint8Array> {
    if (this.#used > 0) yield this.#buffer.subarray(0, this.#used);
    this.#used = 0;
  }
}

/** Applies splices to a document that comes in chunks. */
class Splicer {
  readonly #out = new Gatherer();
  readonly #splices: readonly Splice[];
  #next = 0;
  #base = 0;
  /** Bytes before this are replaced, not copied. */
  #skipTo = 0;

  constructor(splices: readonly Splice[]) {
    this.#splices = splices;
  }

  *push(chunk: Uint8Array): Iterable<Uint8Array> {
    const base = this.#base;
    const end = base + chunk.length;
    let at = base;
    while (at < end) {
      at = Math.min(end, Math.max(at, this.#skipTo));
      const splice = this.#splices[this.#next];
      const copyTo = splice === undefined ? end : Math.min(end, splice.start);
      if (copyTo > at) yield* this.#out.bytes(chunk.subarray(at - base, copyTo - base));
      at = Math.max(at, copyTo);
      if (splice === undefined || splice.start >= end) continue;
      if (splice.start < this.#skipTo) throw new Error('splices overlap');
      for (const part of splice.insert) yield* this.#out.text(insertText(part));
      this.#skipTo = splice.end;
      this.#next++;
    }
    this.#base = end;
  }

  *finish(): Iterable<Uint8Array> {
    if (this.#next < this.#splices.length || this.#skipTo > this.#base) {
      throw new Error('splices reach beyond the file');
    }
    yield* this.#out.flush();
  }
}

/** The source's bytes with the splices applied, in one pass. Chunks are valid until the next one. */
export async function* applySplices(
  source: ByteSource,
  splices: readonly Splice[],
): AsyncIterable<Uint8Array> {
  const splicer = new Splicer(splices);
  for await (const chunk of source.chunks()) {
    for (const piece of splicer.push(chunk)) yield piece;
  }
  for (const piece of splicer.finish()) yield piece;
}

/** A key of the index and its entries. */
export interface KeyEntries {
  readonly key: string;
  /** Written in the order given; the server's is ascending by min_offset. */
  readonly entries: Iterable<SegmentEntry>;
}

/** A whole index as the server writes it. Chunks are valid until the next one. */
export function* formatIndex(keys: Iterable<KeyEntries>): Iterable<Uint8Array> {
  const out = new Gatherer();
  yield* out.text('{');
  let firstKey = true;
  for (const { key, entries } of keys) {
    yield* out.text(`${firstKey ? '' : ','}\n  ${formatString('key', key)}: [`);
    firstKey = false;
    let firstEntry = true;
    for (const entry of entries) {
      yield* out.text(`${firstEntry ? '' : ','}\n    ${formatEntry(entry)}`);
      firstEntry = false;
    }
    yield* out.text(firstEntry ? ']' : '\n  ]');
  }
  yield* out.text(firstKey ? '}' : '\n}');
  yield* out.flush();
}

export interface RawEntry {
  readonly row: number;
  /** The entry's JSON as it stands in the file. */
  readonly text: string;
}

/** The texts of entries at `[byteStart, byteEnd)`, ascending, in one pass over the source. */
export async function* readRawEntries(
  source: ByteSource,
  places: readonly { readonly row: number; readonly byteStart: number; readonly byteEnd: number }[],
): AsyncIterable<RawEntry> {
  let base = 0;
  let next = 0;
  let pieces: Buffer[] = [];
  for await (const chunk of source.chunks()) {
    const end = base + chunk.length;
    for (let place = places[next]; place !== undefined; place = places[next]) {
      if (place.byteStart >= end) break;
      const from = Math.max(place.byteStart, base) - base;
      const to = Math.min(place.byteEnd, end) - base;
      // A copy: the chunk's buffer is used again.
      pieces.push(Buffer.from(chunk.subarray(from, to)));
      if (place.byteEnd > end) break;
      yield { row: place.row, text: Buffer.concat(pieces).toString('utf8') };
      pieces = [];
      next++;
    }
    base = end;
    if (next === places.length) return;
  }
  if (next < places.length) throw new Error('an entry reaches beyond the end of the file');
}
