import { render, Text, useInput } from 'ink';
import { useRef, useState } from 'react';
import type { Answer } from './prompt.ts';

const BACKSPACES = ['\x7f', '\b'];
const ENTER = ['\r', '\n'];
const CTRL_C = '\x03';
const CTRL_D = '\x04';

/** Shows the question and reads one line, key by key; resolves once the terminal is as before. */
export async function ask(
  question: string,
  streams: {
    readonly stdin: NodeJS.ReadStream;
    readonly stderr: NodeJS.WriteStream;
    readonly signal?: AbortSignal;
  },
): Promise<Answer> {
  const { stdin, stderr, signal } = streams;
  let settle: (answer: Answer) => void = () => {};
  const answered = new Promise<Answer>((resolve) => {
    settle = resolve;
  });
  const onClosed = () => settle('closed');
  const onAborted = () => settle('interrupted');
  stdin.once('end', onClosed);
  stdin.once('close', onClosed);
  signal?.addEventListener('abort', onAborted, { once: true });
  const instance = render(<Prompt question={question} onAnswer={settle} />, {
    stdin,
    stdout: stderr,
    stderr,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const unmounted = instance.waitUntilExit();
  try {
    return await answered;
  } finally {
    stdin.off('end', onClosed);
    stdin.off('close', onClosed);
    signal?.removeEventListener('abort', onAborted);
    instance.unmount();
    await unmounted;
  }
}

function Prompt({
  question,
  onAnswer,
}: {
  readonly question: string;
  readonly onAnswer: (answer: Answer) => void;
}) {
  // Keys that come before the next drawing must build on each other, so the text isn't state alone.
  const edited = useRef('');
  const [text, setText] = useState('');
  const [isDone, setDone] = useState(false);
  const answer = (given: Answer) => {
    setDone(true);
    onAnswer(given);
  };
  useInput((input, key) => {
    // Ink names a lone key and passes a pasted chunk on as it came: both are a row of characters.
    const characters = key.return
      ? '\r'
      : key.backspace || key.delete
        ? '\x7f'
        : key.ctrl && input === 'c'
          ? CTRL_C
          : key.ctrl && input === 'd'
            ? CTRL_D
            : key.ctrl || key.meta
              ? ''
              : input;
    for (const character of characters) {
      if (character === CTRL_C) return answer('interrupted');
      if (character === CTRL_D) return answer('closed');
      if (ENTER.includes(character)) {
        setText(edited.current);
        return answer({ text: edited.current });
      }
      if (BACKSPACES.includes(character))
        edited.current = [...edited.current].slice(0, -1).join('');
      else if (character >= ' ') edited.current += character;
    }
    setText(edited.current);
  });
  return (
    <Text>
      {question} {text}
      {isDone ? '' : <Text inverse> </Text>}
    </Text>
  );
}
