/** Pipes between us and a child: our ends are streams, the child's are plain descriptors. */

import { FluxError } from "../message/mod.ts";
import { descriptors } from "./descriptors.ts";

const O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const EINTR = 4, EAGAIN = 11;
/** Bytes read at a time: what a pipe holds. */
const PIECE = 1 << 16;

type Bytes = Uint8Array<ArrayBuffer>;

const open = () =>
  Deno.dlopen("libc.so.6", {
    pipe2: { parameters: ["buffer", "i32"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
    read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
    __errno_location: { parameters: [], result: "pointer" },
  }).symbols;

let symbols: ReturnType<typeof open> | undefined;
const libc = () => symbols ??= open();

/** A pipe whose one end is ours, as a stream, and whose other end a child is to have. */
export interface Pipe<Stream> {
  readonly stream: Stream;
  /** The child's end; closed on exec, except where it is made a standard stream. */
  readonly fd: number;
  /** Closes the child's end, as far as it is ours. */
  release(): void;
  /** Closes our end, where the child could not be started. */
  abandon(): void;
}

/** A pipe from a child. Throws EMFILE, ENFILE. */
export function pipeFromChild(): Pipe<ReadableStream<Uint8Array>> {
  const [ours, fd] = pipe();
  nonblocking(ours!);
  let isOpen = true;
  const close = () => {
    if (isOpen) descriptors.close(ours!);
    isOpen = false;
  };
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = await read(ours!, () => isOpen);
      if (!isOpen) return;
      if (piece) return controller.enqueue(piece);
      close();
      controller.close();
    },
    cancel: close,
  }, { highWaterMark: 0 });
  return { stream, fd: fd!, release: () => void libc().close(fd!), abandon: close };
}

/** A pipe to a child. Throws EMFILE, ENFILE. */
export function pipeToChild(): Pipe<WritableStream<Uint8Array>> {
  const [fd, ours] = pipe();
  nonblocking(ours!);
  let isOpen = true;
  const close = () => {
    if (isOpen) descriptors.close(ours!);
    isOpen = false;
  };
  const stream = new WritableStream<Uint8Array>({
    async write(bytes) {
      try {
        await write(ours!, bytes as Bytes, () => isOpen);
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
    abort: close,
  });
  return { stream, fd: fd!, release: () => void libc().close(fd!), abandon: close };
}

/** Read into by all, as nobody has to wait for that. */
const space = new Uint8Array(PIECE);

/** What can be read now, or as soon as there is something; undefined at the end, and when it is closed meanwhile. */
async function read(fd: number, isOpen: () => boolean): Promise<Bytes | undefined> {
  while (isOpen()) {
    const count = Number(libc().read(fd, space, BigInt(PIECE)));
    if (count > 0) return space.slice(0, count);
    if (count === 0) return undefined;
    const number = errno();
    if (number === EAGAIN) await descriptors.ready(fd, "read");
    else if (number !== EINTR) return undefined;
  }
}

/** Resolves when all is written. Throws EPIPE when nobody reads it. */
async function write(fd: number, bytes: Bytes, isOpen: () => boolean): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    if (!isOpen()) throw new FluxError("EPIPE");
    const rest = bytes.subarray(at);
    const count = Number(libc().write(fd, rest, BigInt(rest.length)));
    if (count >= 0) {
      at += count;
      continue;
    }
    const number = errno();
    if (number === EAGAIN) await descriptors.ready(fd, "write");
    else if (number !== EINTR) throw new FluxError(number);
  }
}

/** The read end, then the write end. */
function pipe(): readonly number[] {
  const ends = new Int32Array(2);
  if (libc().pipe2(new Uint8Array(ends.buffer), O_CLOEXEC) !== 0) throw new FluxError(errno(), "no pipe for a task");
  return [...ends];
}

function nonblocking(fd: number): void {
  libc().fcntl(fd, F_SETFL, O_NONBLOCK);
}

function errno(): number {
  return new Deno.UnsafePointerView(libc().__errno_location()!).getInt32();
}
