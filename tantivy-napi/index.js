import { loadNative } from './load.js';

const native = loadNative();

const MIB = 1 << 20;
const DEFAULT_BATCH_DOCS = 16_384;
const DEFAULT_BATCH_BYTES = 8 * MIB;
const DEFAULT_MAX_BYTES = 1024 * MIB;

export class TantivyError extends Error {
  constructor(code, message, file) {
    super(message);
    this.name = 'TantivyError';
    this.code = code;
    if (file !== undefined) this.file = file;
  }
}

/** The native side never throws: it answers with the value, or with what to throw. */
function settled(result) {
  if (result?.failure !== undefined) {
    throw new TantivyError(result.failure, result.message, result.file);
  }
  return result;
}

function invalid(message) {
  return new TantivyError('TANTIVY_INVALID_ARG', message);
}

function fileList(files) {
  const entries = files instanceof Map ? [...files] : Object.entries(files ?? {});
  return entries.map(([name, data]) => {
    if (typeof name !== 'string') throw invalid('a file name is not a string');
    if (!(data instanceof Uint8Array)) throw invalid(`file '${name}' is not a Uint8Array`);
    return { name, data };
  });
}

function positiveInteger(name, value, fallback) {
  if (value === undefined) return fallback;
  if (!Number.isSafeInteger(value) || value < 1) throw invalid(`${name} is not a positive integer`);
  return value;
}

function optional(name, value, type) {
  if (value !== undefined && typeof value !== type) throw invalid(`${name} is not a ${type}`);
  return value;
}

const TWO_63 = 1n << 63n;

/** The inclusive bounds as the numbers that the native side compares: unsigned, in the order of the values. */
function sortKeys(range, schema) {
  const type = schema.find((field) => field.name === range.field)?.type;
  const signed = type !== 'u64';
  const lowest = signed ? -TWO_63 : 0n;
  const highest = signed ? TWO_63 - 1n : 2n * TWO_63 - 1n;
  const min = optional('range.min', range.min, 'bigint') ?? lowest;
  const max = optional('range.max', range.max, 'bigint') ?? highest;
  if (min > max || min > highest || max < lowest) return { field: range.field, min: 1n, max: 0n };
  const key = (value) => {
    const within = value < lowest ? lowest : value > highest ? highest : value;
    return within - lowest;
  };
  return { field: range.field, min: key(min), max: key(max) };
}

export class TantivyIndex {
  #native;

  static async open(files, options = {}) {
    const verifyChecksums = optional('verifyChecksums', options.verifyChecksums, 'boolean') ?? true;
    return new TantivyIndex(settled(await native.openIndex(fileList(files), verifyChecksums)));
  }

  constructor(handle) {
    if (!(handle instanceof native.NativeIndex)) {
      throw invalid('use TantivyIndex.open()');
    }
    this.#native = handle;
    const { schema, segments, opstamp, payload, formatVersion, libraryVersion, metaJson } = settled(
      handle.describe(),
    );
    this.schema = Object.freeze(schema.map(Object.freeze));
    this.segments = Object.freeze(segments.map(Object.freeze));
    this.numDocs = segments.reduce((sum, segment) => sum + segment.numDocs, 0);
    this.opstamp = opstamp;
    this.payload = payload;
    this.formatVersion = formatVersion;
    this.libraryVersion = libraryVersion;
    this.metaJson = metaJson;
  }

  async verifyChecksums() {
    return settled(await this.#native.verifyChecksums());
  }

  read(options = {}) {
    const { fields, range, orderBy, multiValued = 'error' } = options;
    if (
      fields !== undefined &&
      !(Array.isArray(fields) && fields.every((f) => typeof f === 'string'))
    ) {
      throw invalid('fields is not an array of strings');
    }
    if (range !== undefined && typeof range?.field !== 'string') {
      throw invalid('range.field is not a string');
    }
    if (multiValued !== 'error' && multiValued !== 'first') {
      throw invalid("multiValued is neither 'error' nor 'first'");
    }
    const cursor = settled(
      this.#native.read({
        fields,
        range: range && sortKeys(range, this.schema),
        orderBy: optional('orderBy', orderBy, 'string'),
        batchDocs: positiveInteger('batchDocs', options.batchDocs, DEFAULT_BATCH_DOCS),
        batchBytes: positiveInteger('batchBytes', options.batchBytes, DEFAULT_BATCH_BYTES),
        maxBytes: positiveInteger('maxBytes', options.maxBytes, DEFAULT_MAX_BYTES),
        withDocIds: optional('withDocIds', options.withDocIds, 'boolean') ?? false,
        firstOfMany: multiValued === 'first',
      }),
    );
    return new Batches(cursor);
  }

  close() {
    this.#native.close();
  }

  [Symbol.dispose]() {
    this.close();
  }
}

/** One pass over the documents. It iterates itself, so a second loop goes on where the first one stopped. */
class Batches {
  #cursor;
  #fields;
  /** Calls to next() may overlap; the native cursor serves one at a time. */
  #last = Promise.resolve();

  constructor(cursor) {
    this.#cursor = cursor;
    this.#fields = cursor.fields();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async nextBatch() {
    const { done, value } = await this.next();
    return done ? null : value;
  }

  next() {
    const step = this.#last.then(() => this.#step());
    this.#last = step.catch(() => {});
    return step;
  }

  async return(value) {
    this.close();
    return { done: true, value };
  }

  close() {
    this.#cursor?.close();
    this.#cursor = undefined;
  }

  async #step() {
    if (this.#cursor === undefined) return { done: true, value: undefined };
    let batch;
    try {
      batch = settled(await this.#cursor.nextBatch());
    } catch (error) {
      this.close();
      throw error;
    }
    if (batch === null || batch === undefined) {
      this.close();
      return { done: true, value: undefined };
    }
    return { done: false, value: columnBatch(this.#fields, batch) };
  }
}

function columnBatch(fields, batch) {
  const columns = Object.create(null);
  fields.forEach(({ name, type }, place) => {
    const { values, data, offsets, nulls = null } = batch.columns[place];
    columns[name] = values === undefined ? { type, data, offsets, nulls } : { type, values, nulls };
  });
  const { numDocs, segmentOrds, docIds } = batch;
  return segmentOrds === undefined
    ? { numDocs, columns }
    : { numDocs, columns, segmentOrds, docIds };
}

const TYPED_ARRAYS = {
  i64: { i64: BigInt64Array },
  date: { i64: BigInt64Array },
  u64: { u64: BigUint64Array },
  f64: { f64: Float64Array },
  bool: { bool: Uint8Array },
};
const DEFAULT_MEMORY_BUDGET = 64 * MIB;

export class IndexBuilder {
  #native;
  #schema;
  #last = Promise.resolve();

  static async create(schema, options = {}) {
    if (!Array.isArray(schema)) throw invalid('the schema is not an array of fields');
    const fields = schema.map((field) => {
      if (typeof field?.name !== 'string') throw invalid('a field has no name');
      const { name, type } = field;
      const flag = (key, fallback) => optional(`${name}.${key}`, field[key], 'boolean') ?? fallback;
      return {
        name,
        type: String(type),
        indexed: flag('indexed', false),
        stored: flag('stored', true),
        fast: flag('fast', false),
        tokenizer: optional(`${name}.tokenizer`, field.tokenizer, 'string'),
        precision: optional(`${name}.precision`, field.precision, 'string'),
      };
    });
    const budget = positiveInteger(
      'memoryBudgetBytes',
      options.memoryBudgetBytes,
      DEFAULT_MEMORY_BUDGET,
    );
    return new IndexBuilder(settled(await native.createBuilder(fields, budget)), fields);
  }

  static async merge(indexes, options = {}) {
    if (!Array.isArray(indexes)) throw invalid('the indexes are not an array');
    const maxBytes = positiveInteger('maxBytes', options.maxBytes, DEFAULT_MAX_BYTES);
    return fileMap(settled(await native.mergeIndexes(indexes.map(fileList), maxBytes)));
  }

  constructor(handle, schema) {
    if (!(handle instanceof native.NativeBuilder)) throw invalid('use IndexBuilder.create()');
    this.#native = handle;
    this.#schema = schema;
  }

  async add({ numDocs, columns }) {
    if (!Number.isSafeInteger(numDocs) || numDocs < 0) {
      throw invalid('numDocs is not a count');
    }
    const input = Object.entries(columns).map(([name, column]) => {
      const field = this.#schema.findIndex((candidate) => candidate.name === name);
      if (field < 0) throw new TantivyError('TANTIVY_SCHEMA', `the schema has no field '${name}'`);
      return { field, ...columnInput(name, this.#schema[field].type, column) };
    });
    await this.#inTurn(() => this.#native.add(numDocs, input));
  }

  async commit(payload) {
    return this.#inTurn(() => this.#native.commit(optional('payload', payload, 'string')));
  }

  async finish() {
    return fileMap(await this.#inTurn(() => this.#native.finish()));
  }

  async close() {
    await this.#inTurn(() => this.#native.close());
  }

  /** Steps run in the order in which they were called, whether awaited or not. */
  #inTurn(step) {
    const result = this.#last.then(async () => settled(await step()));
    this.#last = result.catch(() => {});
    return result;
  }
}

function fileMap(files) {
  return new Map(files.map(({ name, data }) => [name, data]));
}

/** Copies, for the batch may have to wait for its turn while the caller goes on with the arrays. */
function columnInput(name, type, column) {
  const nulls = column.nulls ?? undefined;
  if (nulls !== undefined && !(nulls instanceof Uint8Array)) {
    throw invalid(`column '${name}': nulls is not a Uint8Array`);
  }
  if (column.type !== type) {
    throw new TantivyError(
      'TANTIVY_FIELD_TYPE',
      `column '${name}' is ${column.type}, its field ${type}`,
    );
  }
  if (type === 'bytes' || type === 'text') {
    if (!(column.data instanceof Uint8Array && column.offsets instanceof Uint32Array)) {
      throw invalid(`column '${name}' needs data (Uint8Array) and offsets (Uint32Array)`);
    }
    return { data: column.data.slice(), offsets: column.offsets.slice(), nulls: nulls?.slice() };
  }
  const [[key, array]] = Object.entries(TYPED_ARRAYS[type]);
  if (!(column.values instanceof array))
    throw invalid(`column '${name}' needs values (${array.name})`);
  return { [key]: column.values.slice(), nulls: nulls?.slice() };
}
