/**
 * Keeps a line that is redrawn in place from being torn by lines that are written past it. Whoever
 * writes to the terminal clears first; the next drawing then comes below what was written.
 */
export class Screen {
  #hide: (() => void) | undefined;

  /** Tells how the live line is taken away; the returned function says that there is none any more. */
  hold(hide: () => void): () => void {
    this.#hide = hide;
    return () => {
      if (this.#hide === hide) this.#hide = undefined;
    };
  }

  clear(): void {
    this.#hide?.();
  }
}
