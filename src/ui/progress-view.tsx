import { render, Text } from 'ink';

/** A line at the bottom of a terminal that is redrawn in place. */
export interface ProgressView {
  show(line: string): void;
  /** Takes the line away until it is shown with another text, so that others can write in its place. */
  hide(): void;
  /** Takes the line away and gives the cursor back. */
  unmount(): void;
}

export function mountProgress(terminal: NodeJS.WriteStream, firstLine: string): ProgressView {
  const view = (line: string) => <Text wrap="truncate">{line}</Text>;
  const instance = render(view(firstLine), {
    stdout: terminal,
    stderr: terminal,
    // Ctrl-C is the command's: it stops at a safe point, while this goes on showing how far it is.
    exitOnCtrlC: false,
    patchConsole: false,
  });
  return {
    show: (line) => instance.rerender(view(line)),
    hide: () => instance.clear(),
    unmount: () => {
      instance.rerender(null);
      instance.unmount();
    },
  };
}
