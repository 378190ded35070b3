import { connect, createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';

/** sun_path of unix(7) takes 108 bytes with its NUL; macOS has 104. */
const MAX_SOCKET_PATH = 100;

export interface HeldSocket {
  readonly name: string;
  readonly server: Server;
}

/** A socket that the kernel answers on for as long as we live. Undefined where this file system has no sockets; then other containers can't tell that we live. */
export async function openSocket(folder: string, name: string): Promise<HeldSocket | undefined> {
  return await new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', () => resolve(undefined));
    server.listen({ path: socketPath(folder, name) }, () => resolve({ name, server }));
    server.unref();
  });
}

/** A path that fits into a socket's address: relative where the absolute one is too long. */
export function socketPath(folder: string, name: string): string {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  const short = relative(process.cwd(), path);
  return Buffer.byteLength(short) <= MAX_SOCKET_PATH ? short : path;
}

/** Whether the socket belonged to a process that is dead. */
export async function isRefused(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ path });
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'));
  });
}
