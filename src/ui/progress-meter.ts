import { displayWidth, truncate } from './display-width.ts';
import { humanCount, humanDuration, humanSize } from './human.ts';

export interface ProgressTask {
  /** What is being done, such as `deleting objects`. */
  readonly label: string;
  /** What is counted: bytes, or things named in the plural (`segments`). */
  readonly unit: string;
}

/** How much of the past the rate is taken from: long enough to be calm, short enough to be true. */
const WINDOW_MS = 15_000;
const BAR_WIDTH = 20;

/** Keeps what was done when, and tells rate and time left. Counts may be of anything. */
export class ProgressMeter {
  readonly #task: ProgressTask;
  readonly #samples: { readonly at: number; readonly done: number }[];
  #done = 0;
  #total: number | undefined;

  /** `startedAt` in ms, of the same clock as every later time. */
  constructor(task: ProgressTask, startedAt: number) {
    this.#task = task;
    this.#samples = [{ at: startedAt, done: 0 }];
  }

  update(now: number, done: number, total: number | undefined): void {
    this.#done = done;
    this.#total = total;
    const last = this.#samples.at(-1);
    // Updates may come a million times a second; a few samples a second are enough.
    if (last !== undefined && now - last.at < 200) return;
    this.#samples.push({ at: now, done });
    while ((this.#samples[1]?.at ?? now) <= now - WINDOW_MS) this.#samples.shift();
  }

  /** Units a second over the last seconds; undefined until there is something to judge by. */
  rate(now: number): number | undefined {
    const [oldest] = this.#samples;
    if (oldest === undefined || now <= oldest.at || this.#done <= oldest.done) return undefined;
    return ((this.#done - oldest.done) * 1000) / (now - oldest.at);
  }

  /** What is left at the present rate, in ms; undefined without a total or a rate. */
  timeLeftMs(now: number): number | undefined {
    const rate = this.rate(now);
    if (rate === undefined || this.#total === undefined) return undefined;
    return (Math.max(0, this.#total - this.#done) * 1000) / rate;
  }

  /** `deleting objects: 1,234 of 2,745 objects (45%), 98/s, 15s left`. */
  sentence(now: number): string {
    return `${this.#task.label}: ${this.#facts(now).join(', ')}`;
  }

  /** The same with a bar before the facts where a total is known, in at most `width` columns. */
  line(now: number, width: number): string {
    const facts = this.#facts(now).join('  ');
    if (this.#total === undefined) return truncate(`${this.#task.label}  ${facts}`, width, 'end');
    const filled = Math.round(this.#fraction() * BAR_WIDTH);
    const bar = `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}]`;
    const line = `${this.#task.label} ${bar} ${facts}`;
    // The numbers matter more than the picture of them.
    return displayWidth(line) <= width
      ? line
      : truncate(`${this.#task.label}  ${facts}`, width, 'end');
  }

  #fraction(): number {
    if (this.#total === undefined || this.#total <= 0) return 1;
    return Math.min(1, this.#done / this.#total);
  }

  #facts(now: number): string[] {
    const { unit } = this.#task;
    const amount = unit === 'bytes' ? humanSize : humanCount;
    const noun = unit === 'bytes' ? '' : ` ${unit}`;
    const percent = Math.floor(this.#fraction() * 100);
    const count =
      this.#total === undefined
        ? `${amount(this.#done)}${noun}`
        : `${amount(this.#done)} of ${amount(this.#total)}${noun} (${percent}%)`;
    const rate = this.rate(now);
    const left = this.timeLeftMs(now);
    const shownRate =
      rate === undefined ? [] : [`${amount(rate < 10 ? round(rate) : Math.round(rate))}/s`];
    return [
      count,
      ...shownRate,
      ...(left === undefined ? [] : [`${humanDuration(Math.ceil(left / 1000) * 1000)} left`]),
    ];
  }
}

function round(rate: number): number {
  return Math.round(rate * 10) / 10;
}
