import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Confirmation, canAsk, confirm } from '../../src/ui/prompt.ts';
import { FakeTerminal, fakePipe } from './fake-terminal.ts';

const SHOW_CURSOR = '\u001b[?25h';
const HIDE_CURSOR = '\u001b[?25l';

// ink draws nothing but the last frame where the environment names a CI service.
beforeEach(() => void vi.stubEnv('CI', 'false'));
afterEach(() => void vi.unstubAllEnvs());

async function answer(prompt: Confirmation, ...keys: string[]): Promise<boolean> {
  const terminal = new FakeTerminal();
  const answered = confirm(prompt, terminal);
  await terminal.sees(prompt.question);
  for (const key of keys) terminal.type(key);
  try {
    return await answered;
  } finally {
    expect(terminal.stdin.rawModes.at(-1)).toBe(false);
    expect(terminal.drawn.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(
      terminal.drawn.lastIndexOf(HIDE_CURSOR),
    );
    expect(terminal.stdin.listenerCount('readable')).toBe(0);
  }
}

const plain: Confirmation = { question: 'delete 412 segments?' };
const typed: Confirmation = { question: 'delete it all?', typed: 'orders' };

describe('confirm', () => {
  it.each([
    ['y and enter', ['y', '\r'], true],
    ['pasted in one chunk', ['yes\r'], true],
    ['upper case', ['Y\r'], true],
    ['corrected with backspace', ['x', '\x7f', 'y', '\r'], true],
    ['enter alone', ['\r'], false],
    ['n', ['n\r'], false],
    ['anything else', ['yup\r'], false],
    ['ctrl-d', ['\x04'], false],
  ])('takes %s', async (_, keys, expected) => {
    expect(await answer(plain, ...keys)).toBe(expected);
  });

  it.each([
    ['orders\r', true],
    ['order\r', false],
    ['y\r', false],
    ['Orders\r', false],
  ])('wants the name itself: %j', async (keys, expected) => {
    expect(await answer(typed, keys)).toBe(expected);
  });

  it('is interrupted by ctrl-c and by a signal, and leaves the terminal as it was', async () => {
    const interrupted = expect.objectContaining({ code: 'interrupted', exitCode: 130 });
    await expect(answer(plain, 'y', '\x03')).rejects.toEqual(interrupted);

    const terminal = new FakeTerminal();
    const controller = new AbortController();
    const answered = confirm(plain, { ...streams(terminal), signal: controller.signal });
    const outcome = expect(answered).rejects.toEqual(interrupted);
    await terminal.sees(plain.question);
    controller.abort();
    await outcome;
    expect(terminal.stdin.rawModes.at(-1)).toBe(false);
    await expect(
      confirm(plain, { ...streams(terminal), signal: controller.signal }),
    ).rejects.toEqual(interrupted);
  });

  it('takes a terminal that goes away for no', async () => {
    const terminal = new FakeTerminal();
    const answered = confirm(plain, terminal);
    await terminal.sees(plain.question);
    terminal.stdin.end();
    expect(await answered).toBe(false);
  });

  it('shows a name from data with its escapes spelled out', async () => {
    const terminal = new FakeTerminal();
    const answered = confirm({ question: 'drop evil\u001b[2Jname?' }, terminal);
    await terminal.sees('drop evil\\x1b[2Jname?');
    terminal.type('\r');
    expect(await answered).toBe(false);
    expect(terminal.drawn).not.toContain('\u001b[2J');
  });

  it('refuses without a terminal, with a way on', async () => {
    const { stream } = fakePipe();
    const terminal = new FakeTerminal();
    const pipes = { stdin: terminal.stdin, stderr: stream };
    expect(canAsk(pipes)).toBe(false);
    expect(canAsk(terminal)).toBe(true);
    await expect(confirm(plain, pipes)).rejects.toMatchObject({
      code: 'no-terminal',
      exitCode: 2,
      remedy: expect.stringContaining('--yes'),
    });
  });
});

function streams({ stdin, stderr }: FakeTerminal) {
  return { stdin, stderr };
}
