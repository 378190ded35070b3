import { readControlRecord } from '../record-batch/control-record.ts';
import { bytesAt, type RecordColumns } from '../record-batch/record-columns.ts';
import type { FetchEvent, RecordRun } from './fetch-event.ts';

export type TransactionOutcome = 'committed' | 'aborted' | 'open';

interface ProducerMarkers {
  readonly offsets: bigint[];
  readonly aborted: boolean[];
}

/**
 * How the transactions of a partition ended. A record of a transaction belongs to the first end
 * marker of its producer id that follows it (KIP-98); without one in the archives its transaction is
 * open. Memory grows with the number of markers, not of records.
 */
export class Transactions {
  readonly #markers = new Map<bigint, ProducerMarkers>();

  /**
   * Collects markers from `events`, which begin at the window. Reads on past `end` only while a
   * transaction that touches the window is still open.
   */
  static async collect(events: AsyncIterable<FetchEvent>, end: bigint): Promise<Transactions> {
    const transactions = new Transactions();
    const open = new Set<bigint>();
    for await (const event of events) {
      if (event.kind !== 'records') continue;
      transactions.#add(event, end, open);
      const last = event.columns.offset[event.to - 1] ?? 0n;
      if (last >= end && open.size === 0) break;
    }
    return transactions;
  }

  outcome(producerId: bigint, offset: bigint): TransactionOutcome {
    const markers = this.#markers.get(producerId);
    if (markers === undefined) return 'open';
    let low = 0;
    let high = markers.offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((markers.offsets[middle] ?? 0n) > offset) high = middle;
      else low = middle + 1;
    }
    const aborted = markers.aborted[low];
    return aborted === undefined ? 'open' : aborted ? 'aborted' : 'committed';
  }

  #add({ columns, from, to }: RecordRun, end: bigint, open: Set<bigint>): void {
    for (let row = from; row < to; row++) {
      if (columns.isTransactional[row] === 0) continue;
      const producerId = columns.producerId[row] ?? -1n;
      if (columns.isControl[row] === 0) {
        if ((columns.offset[row] ?? 0n) < end) open.add(producerId);
        continue;
      }
      const isAbort = abortOf(columns, row);
      if (isAbort === undefined) continue;
      open.delete(producerId);
      let markers = this.#markers.get(producerId);
      if (markers === undefined) {
        markers = { offsets: [], aborted: [] };
        this.#markers.set(producerId, markers);
      }
      markers.offsets.push(columns.offset[row] ?? 0n);
      markers.aborted.push(isAbort);
    }
  }
}

/** Whether the control record ends a transaction, and how; undefined for other control records. */
function abortOf(columns: RecordColumns, row: number): boolean | undefined {
  const { type } = readControlRecord({
    offset: columns.offset[row] ?? 0n,
    timestamp: columns.timestamp[row] ?? 0n,
    key: bytesAt(columns.key, row),
    value: bytesAt(columns.value, row),
    headers: [],
    attributes: 0,
  });
  return type === 'ABORT' ? true : type === 'COMMIT' ? false : undefined;
}
