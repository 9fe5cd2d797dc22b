/**
 * A byte stream over an inherited file descriptor, such as PMI_FD, by the C library: Deno has no call for it, and node:net
 * would cost 20 ms.
 */

import { FluxError } from "../message/mod.ts";
import type { ByteStream } from "../handle/mod.ts";

/** Reads and writes block a thread of the pool, never the event loop. Throws EBADF for a descriptor that is not open. */
export function fdStream(fd: number): ByteStream {
  const libc = Deno.dlopen("libc.so.6", {
    read: { parameters: ["i32", "buffer", "usize"], result: "isize", nonblocking: true },
    write: { parameters: ["i32", "buffer", "usize"], result: "isize", nonblocking: true },
    fcntl: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const { read, write, fcntl, close } = libc.symbols;
  const F_GETFD = 1;
  if (!Number.isInteger(fd) || fd < 0 || fcntl(fd, F_GETFD) < 0) {
    libc.close();
    throw new FluxError("EBADF", `PMI_FD=${fd} is not an open file descriptor`);
  }
  return {
    async read(into) {
      const count = Number(await read(fd, into as Uint8Array<ArrayBuffer>, BigInt(into.length)));
      if (count < 0) throw new Deno.errors.ConnectionReset(`read of file descriptor ${fd} failed`);
      return count === 0 ? null : count;
    },
    async write(bytes) {
      const count = Number(await write(fd, bytes as Uint8Array<ArrayBuffer>, BigInt(bytes.length)));
      if (count < 0) throw new Deno.errors.BrokenPipe(`write to file descriptor ${fd} failed`);
      return count;
    },
    close: () => void close(fd),
  };
}
