/**
 * Pairs of connected sockets, one end a connection of ours, the other a descriptor for a child. Deno has no socketpair(2)
 * and takes no descriptor for a connection; so the child's end is connected, by the C library, to a listener of our own that
 * nobody else can find: its name is gone from the disk before it is used.
 */

import { errnum, FluxError } from "../message/mod.ts";

const AF_UNIX = 1, SOCK_STREAM_CLOEXEC = 0x80001;
const O_PATH_CLOEXEC = 0o12000000;
const F_SETFD = 2;

const open = () =>
  Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    __errno_location: { parameters: [], result: "pointer" },
  }).symbols;

let symbols: ReturnType<typeof open> | undefined;
const libc = () => symbols ??= open();

export class SocketPair {
  /** Our end. */
  readonly conn: Deno.UnixConn;
  /** The child's end, which programs that we start do not inherit unless it is bequeathed. */
  readonly fd: number;

  constructor(conn: Deno.UnixConn, fd: number) {
    this.conn = conn;
    this.fd = fd;
  }

  /** From now on whatever is started inherits `fd`: to be followed by the start and by `release` without a wait. */
  bequeath(): void {
    libc().fcntl(this.fd, F_SETFD, 0);
  }

  /** Closes the child's end as far as it is ours. */
  release(): void {
    libc().close(this.fd);
  }
}

/** What every pair of this process is made with. */
let meeting: { readonly listener: Deno.UnixListener; readonly address: Uint8Array<ArrayBuffer> } | undefined;
/** Ends with the last pair asked for: they are made one by one, so that nobody is given the end of another's. */
let last: Promise<unknown> = Promise.resolve();

/** Throws EMFILE when there are no descriptors left, ENOENT or EACCES when TMPDIR cannot be written. */
export function socketPair(): Promise<SocketPair> {
  const pair = last.then(connectPair);
  last = pair.catch(() => {});
  return pair;
}

async function connectPair(): Promise<SocketPair> {
  const { listener, address } = meeting ??= listen();
  const fd = check(libc().socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
  try {
    check(libc().connect(fd, address, address.length));
    return new SocketPair(await listener.accept(), fd);
  } catch (error) {
    // What waits at this listener now would be taken for the next one's.
    meeting = undefined;
    listener.close();
    libc().close(fd);
    throw error instanceof FluxError ? error : new FluxError("EMFILE", "no socket for a task", { cause: error });
  }
}

/** The name serves to open the socket itself, through which /proc leads to it. */
function listen(): NonNullable<typeof meeting> {
  const directory = temporaryDirectory();
  const parent = libc().open(cString(directory), O_PATH_CLOEXEC);
  try {
    // A socket's path has at most 107 bytes, and TMPDIR may be longer.
    const listener = Deno.listen({ transport: "unix", path: `/proc/self/fd/${check(parent)}/s` });
    const fd = check(libc().open(cString(`${directory}/s`), O_PATH_CLOEXEC));
    return { listener, address: new Uint8Array([AF_UNIX, 0, ...cString(`/proc/self/fd/${fd}`)]) };
  } finally {
    if (parent >= 0) libc().close(parent);
    Deno.removeSync(directory, { recursive: true });
  }
}

function temporaryDirectory(): string {
  try {
    return Deno.makeTempDirSync({ prefix: "flux-sockets-" });
  } catch (error) {
    const errno = error instanceof Deno.errors.NotFound ? "ENOENT" : "EACCES";
    const text = `no socket for a task: cannot write to ${Deno.env.get("TMPDIR") ?? "/tmp"}`;
    throw new FluxError(errno, text, { cause: error });
  }
}

/** A result of the C library that is not -1. */
function check(result: number): number {
  if (result >= 0) return result;
  const errno = new Deno.UnsafePointerView(libc().__errno_location()!).getInt32();
  throw new FluxError(errno || errnum("EIO"));
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
