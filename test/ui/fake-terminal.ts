import { PassThrough, type Writable } from 'node:stream';

/** Both ends of a terminal, made of streams: what is drawn is kept, and keys can be sent. */
export class FakeTerminal {
  readonly stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    rawModes: Array.of<boolean>(),
    setRawMode(mode: boolean) {
      this.rawModes.push(mode);
      return this;
    },
    ref() {
      return this;
    },
    unref() {
      return this;
    },
  });
  readonly stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  #drawn = '';
  #waiting: { readonly text: string; readonly resolve: () => void }[] = [];

  constructor() {
    this.stderr.setEncoding('utf8');
    this.stderr.on('data', (chunk: string) => {
      this.#drawn += chunk;
      for (const { text, resolve } of this.#waiting) if (this.#drawn.includes(text)) resolve();
    });
  }

  /** Everything that was written so far, control sequences included. */
  get drawn(): string {
    return this.#drawn;
  }

  /** Resolves once `text` has been drawn; the test's time limit ends the wait for what never comes. */
  async sees(text: string): Promise<void> {
    if (this.#drawn.includes(text)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ text, resolve });
    });
  }

  type(keys: string): void {
    this.stdin.write(keys);
  }
}

/** A stream that is no terminal, with what was written to it. */
export function fakePipe(): { readonly stream: Writable; text(): string } {
  const stream = new PassThrough().setEncoding('utf8');
  let text = '';
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  return { stream, text: () => text };
}
