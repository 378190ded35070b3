import type { Readable, Writable } from 'node:stream';

/** A stream that is known to lead to a terminal. */
export function isTerminalOutput(stream: Writable): stream is Writable & NodeJS.WriteStream {
  return 'isTTY' in stream && stream.isTTY === true;
}

/** A stream that a person types into: its terminal can be told to pass on every key. */
export function isTerminalInput(stream: Readable): stream is Readable & NodeJS.ReadStream {
  return 'isTTY' in stream && stream.isTTY === true && 'setRawMode' in stream;
}
