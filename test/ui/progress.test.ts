import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/ui/log.ts';
import { type Progress, startProgress } from '../../src/ui/progress.ts';
import { ProgressMeter } from '../../src/ui/progress-meter.ts';
import { Screen } from '../../src/ui/screen.ts';
import { FakeTerminal, fakePipe } from './fake-terminal.ts';

beforeEach(() => void vi.stubEnv('CI', 'false'));
afterEach(() => void vi.unstubAllEnvs());

const task = { label: 'deleting objects', unit: 'objects' };

/** A clock and a timer that move when the test says so. */
function fakeTime() {
  let now = 1_000_000;
  const ticks = new Set<() => void>();
  return {
    now: () => now,
    every: (_ms: number, tick: () => void) => {
      ticks.add(tick);
      return () => void ticks.delete(tick);
    },
    pass: (ms: number) => {
      now += ms;
      for (const tick of ticks) tick();
    },
    timers: () => ticks.size,
  };
}

describe('ProgressMeter', () => {
  it('tells percent, rate and time left', () => {
    const meter = new ProgressMeter(task, 0);
    meter.update(10_000, 1000, 3000);
    expect(meter.sentence(10_000)).toBe(
      'deleting objects: 1,000 of 3,000 objects (33%), 100/s, 20s left',
    );
    expect(meter.line(10_000, 100)).toBe(
      'deleting objects [=======             ] 1,000 of 3,000 objects (33%)  100/s  20s left',
    );
  });

  it('leaves the bar out, then cuts, on a narrow terminal', () => {
    const meter = new ProgressMeter(task, 0);
    meter.update(10_000, 1000, 3000);
    expect(meter.line(10_000, 70)).toBe(
      'deleting objects  1,000 of 3,000 objects (33%)  100/s  20s left',
    );
    expect(meter.line(10_000, 20)).toBe('deleting objects  1…');
  });

  it('counts bytes in human units and does without a total', () => {
    const meter = new ProgressMeter({ label: 'reading', unit: 'bytes' }, 0);
    meter.update(1000, 5 * 1024 * 1024, undefined);
    expect(meter.sentence(1000)).toBe('reading: 5 MiB, 5 MiB/s');
  });

  it('judges by the last seconds, not by a slow start', () => {
    const meter = new ProgressMeter(task, 0);
    meter.update(100_000, 10, 10_000);
    for (let s = 101; s <= 130; s++) meter.update(s * 1000, 10 + (s - 100) * 100, 10_000);
    expect(meter.rate(130_000)).toBeCloseTo(100, 0);
  });

  it('survives clocks that go back, and totals of nothing', () => {
    const meter = new ProgressMeter(task, 5000);
    meter.update(1000, 3, 0);
    expect(meter.sentence(1000)).toBe('deleting objects: 3 of 0 objects (100%)');
  });
});

describe('live progress', () => {
  function start(terminal: FakeTerminal, time: ReturnType<typeof fakeTime>): Progress {
    const log = createLogger({ level: 'debug', format: 'text', write: () => {} });
    return startProgress(task, {
      mode: 'live',
      stderr: terminal.stderr,
      log,
      screen: new Screen(),
      ...time,
    });
  }

  it('draws nothing for work that is done within a second', () => {
    const terminal = new FakeTerminal();
    const time = fakeTime();
    const progress = start(terminal, time);
    time.pass(900);
    progress.update(5, 5);
    progress.finish();
    time.pass(10_000);
    expect(terminal.drawn).toBe('');
    expect(time.timers()).toBe(0);
  });

  it('redraws one line in place and takes it away at the end', async () => {
    const terminal = new FakeTerminal();
    const time = fakeTime();
    const progress = start(terminal, time);
    progress.update(10, 40);
    time.pass(2000);
    await terminal.sees('10 of 40 objects (25%)');
    progress.update(20, 40);
    time.pass(2000);
    await terminal.sees('20 of 40 objects (50%)');
    progress.finish();
    progress.finish();
    expect(time.timers()).toBe(0);
    const afterLast = terminal.drawn.slice(terminal.drawn.lastIndexOf('20 of 40'));
    expect(afterLast).toContain('\u001b[2K');
    expect(afterLast).toContain('\u001b[?25h');
  });

  it('draws nothing when the work ends while the view is loading', async () => {
    const terminal = new FakeTerminal();
    const time = fakeTime();
    const progress = start(terminal, time);
    time.pass(1500);
    progress.finish();
    await import('../../src/ui/progress-view.tsx');
    await new Promise(setImmediate);
    expect(terminal.drawn).toBe('');
  });
});

describe('progress without a terminal', () => {
  it('is a log line now and then', () => {
    const { stream } = fakePipe();
    const time = fakeTime();
    const lines: string[] = [];
    const log = createLogger({ level: 'info', format: 'text', write: (line) => lines.push(line) });
    // `live` on what is no terminal falls back to the log too.
    const progress = startProgress(task, {
      mode: 'live',
      stderr: stream,
      log,
      screen: new Screen(),
      ...time,
    });
    for (let s = 1; s <= 25; s++) {
      time.pass(1000);
      progress.update(s * 10, 1000);
    }
    progress.finish();
    expect(lines).toEqual([
      'info: deleting objects: 100 of 1,000 objects (10%), 10/s, 1m 30s left\n',
      'info: deleting objects: 200 of 1,000 objects (20%), 10/s, 1m 20s left\n',
    ]);
  });

  it('is nothing when it is switched off', () => {
    const terminal = new FakeTerminal();
    const time = fakeTime();
    const lines: string[] = [];
    const log = createLogger({ level: 'debug', format: 'text', write: (line) => lines.push(line) });
    const off = { mode: 'off', stderr: terminal.stderr, log } as const;
    const options = { ...off, screen: new Screen(), ...time };
    const progress = startProgress(task, options);
    time.pass(60_000);
    progress.update(1, 2);
    progress.finish();
    expect(lines).toEqual([]);
    expect(terminal.drawn).toBe('');
  });
});
