/**
 * The uid of the process behind an accepted UNIX connection (SO_PEERCRED). Deno does not tell a connection's file
 * descriptor, so it is found as the one socket bound to our path that was not there at the last look.
 *
 * Invariant: `of` is called for every accepted connection, in the turn it is accepted in.
 */

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SOCKADDR_UN = 110;

const libc = () =>
  Deno.dlopen("libc.so.6", {
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
    getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  });

export class PeerCredentials {
  readonly #libc = libc();
  readonly #path: Uint8Array;
  /** Sockets seen before, by inode (`socket:[N]`): unlike a descriptor, it is never used twice while we live. */
  #known = new Set<string>();

  constructor(path: string) {
    this.#path = new TextEncoder().encode(path);
    this.of(undefined);
  }

  /** The uid at the other end of the newest connection; undefined when it cannot be told. */
  of(_conn: Deno.UnixConn | undefined): number | undefined {
    const seen = new Set<string>();
    let uid: number | undefined;
    for (const entry of Deno.readDirSync("/proc/self/fd")) {
      const socket = linkOf(entry.name);
      if (!socket?.startsWith("socket:")) continue;
      seen.add(socket);
      if (this.#known.has(socket)) continue;
      const fd = Number(entry.name);
      if (this.#isOurs(fd)) uid = this.#peer(fd) ?? uid;
    }
    this.#known = seen;
    return uid;
  }

  close(): void {
    this.#libc.close();
  }

  #isOurs(fd: number): boolean {
    const address = new Uint8Array(SOCKADDR_UN);
    const length = new Uint32Array([SOCKADDR_UN]);
    if (this.#libc.symbols.getsockname(fd, address, length) !== 0) return false;
    return this.#path.every((byte, i) => address[2 + i] === byte);
  }

  #peer(fd: number): number | undefined {
    const credentials = new Uint32Array(3);
    const length = new Uint32Array([credentials.byteLength]);
    if (this.#libc.symbols.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) return undefined;
    return credentials[1];
  }
}

function linkOf(fd: string): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
