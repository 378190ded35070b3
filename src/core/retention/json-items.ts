import { JsonFault } from '../segment-index/json-fault.ts';
import { type JsonHandler, type JsonKind, JsonMachine } from '../segment-index/json-machine.ts';
import type { TextBuffer } from '../segment-index/json-text.ts';

/** Integers are bigint, exact as spelled; any other number is a number. */
export type JsonValue = string | number | bigint | boolean | null | JsonValue[] | JsonMembers;
export type JsonMembers = Map<string, JsonValue>;

type Container = JsonValue[] | JsonMembers;

type ItemHandler = (array: string, nth: number, item: JsonValue | undefined) => void;

/**
 * Builds the values of a JSON object, but hands over the elements of its large arrays one by one
 * and keeps none of them: what it holds is bounded by one element, however long the document.
 * Faults are JsonFault: also for a member that comes twice.
 */
export class JsonItems implements JsonHandler {
  /** Members of the document; an array that was handed over stands here empty. */
  readonly members: JsonMembers = new Map();
  readonly #machine = new JsonMachine(this);
  readonly #streamed: ReadonlySet<string>;
  readonly #skipped: ReadonlySet<string>;
  readonly #onItem: ItemHandler;
  /** Containers that are open, the document's first. */
  readonly #open: { readonly container: Container; key: string }[] = [];
  #items = 0;

  /** Elements of the `skipped` arrays are checked for syntax alone, and handed over as undefined. */
  constructor(streamed: ReadonlySet<string>, skipped: ReadonlySet<string>, onItem: ItemHandler) {
    this.#streamed = streamed;
    this.#skipped = skipped;
    this.#onItem = onItem;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    while (from < chunk.length) {
      from = this.#machine.push(chunk, from);
    }
  }

  finish(): void {
    this.#machine.finish();
  }

  begin(kind: JsonKind, at: number): boolean {
    if (this.#open.length === 0 && kind !== 'object') {
      throw new JsonFault(at, 'an object', `an ${kind}`);
    }
    if (this.#skipped.has(this.#array() ?? '')) {
      return false;
    }
    if (kind === 'object') {
      this.#open.push({ container: this.#open.length === 0 ? this.members : new Map(), key: '' });
    } else if (kind === 'array') {
      this.#open.push({ container: [], key: '' });
      this.#items = this.#open.length === 2 ? 0 : this.#items;
    }
    return true;
  }

  key(buffer: TextBuffer, at: number): void {
    const text = buffer.toString();
    const top = this.#open.at(-1);
    if (top?.container instanceof Map) {
      if (top.container.has(text)) {
        throw new JsonFault(at, 'each member once', `"${text}" again`);
      }
      top.key = text;
    }
  }

  scalar(kind: JsonKind, text: TextBuffer): void {
    this.#add(scalarValue(kind, text.toString()));
  }

  close(): void {
    const closed = this.#open.pop();
    if (closed !== undefined && this.#open.length > 0) {
      this.#add(closed.container);
    }
  }

  ignored(): void {
    this.#onItem(this.#array() ?? '', this.#items++, undefined);
  }

  /** The array of the document whose elements come now. */
  #array(): string | undefined {
    return this.#open.length === 2 && Array.isArray(this.#open[1]?.container)
      ? this.#open[0]?.key
      : undefined;
  }

  #add(value: JsonValue): void {
    const top = this.#open.at(-1);
    if (top === undefined) {
      return;
    }
    if (top.container instanceof Map) {
      top.container.set(top.key, value);
      return;
    }
    const array = this.#array();
    if (array !== undefined && this.#streamed.has(array)) {
      this.#onItem(array, this.#items++, value);
    } else {
      top.container.push(value);
    }
  }
}

function scalarValue(kind: JsonKind, text: string): JsonValue {
  switch (kind) {
    case 'string':
      return text;
    case 'number':
      return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
    case 'null':
      return null;
    default:
      return kind === 'true';
  }
}
