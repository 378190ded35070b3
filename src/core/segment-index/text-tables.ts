/** Numbers of a text that stand for it; the same text always has the same number. */
export class Interner {
  readonly texts: string[] = [];
  readonly #ids = new Map<string, number>();

  id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.texts.length;
      this.texts.push(text);
      this.#ids.set(text, id);
    }
    return id;
  }

  text(id: number): string {
    return this.texts[id] ?? '';
  }
}

/** Texts that follow no pattern: UTF-8 in one growing blob, so that they cost no object each. */
export class TextTable {
  readonly #encoder = new TextEncoder();
  #bytes: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
  #used = 0;
  /** End of each text in the blob. */
  readonly #ends: number[] = [];

  add(text: string): number {
    const room = text.length * 3;
    if (this.#used + room > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(1024, (this.#used + room) * 1.5));
      grown.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = grown;
    }
    this.#used += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#used)).written;
    this.#ends.push(this.#used);
    return this.#ends.length - 1;
  }

  text(id: number): string {
    const start = id === 0 ? 0 : (this.#ends[id - 1] ?? 0);
    return Buffer.from(this.#bytes.buffer, start, (this.#ends[id] ?? 0) - start).toString('utf8');
  }
}
