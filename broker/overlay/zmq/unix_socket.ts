import { errnum, FluxError, strerror } from "../../message/mod.ts";
import { libc, libcSocket, zmq } from "./library.ts";

const AF_UNIX = 1, SOCK_STREAM_CLOEXEC = 0x80001;
const EADDRINUSE = errnum("EADDRINUSE");
/** What `sockaddr_un` has room for, without the terminator. */
const LONGEST_PATH = 107;

/** The path of an `ipc://` endpoint. Throws EINVAL when it is relative or does not fit a socket address. */
export function ipcPath(endpoint: string): string {
  const path = endpoint.slice("ipc://".length);
  if (!path.startsWith("/")) throw new FluxError("EINVAL", `${endpoint}: the path of a socket must be absolute`);
  const length = new TextEncoder().encode(path).length;
  if (length <= LONGEST_PATH) return path;
  throw new FluxError(
    "EINVAL",
    `${endpoint}: the path of a socket has at most ${LONGEST_PATH} bytes, this one ${length}`,
  );
}

/**
 * A listening UNIX socket, for libzmq to accept on and to close. Made here because libzmq would take the path away
 * from a listener that lives; here that is EADDRINUSE, and only a file that a dead one left behind is replaced.
 * The caller removes the file. Throws EADDRINUSE, EACCES, ENOENT and what else bind(2) says.
 */
export function listenUnix(path: string, backlog: number): number {
  const address = socketAddress(path);
  const fd = libcSocket().socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  let errno = fd < 0 ? zmq().zmq_errno() : bind(fd, address);
  if (errno === EADDRINUSE && Deno.lstatSync(path).isSocket && !isListening(address)) {
    Deno.removeSync(path);
    errno = bind(fd, address);
  }
  if (errno === 0 && libcSocket().listen(fd, backlog) !== 0) errno = zmq().zmq_errno();
  if (errno === 0) return fd;
  if (fd >= 0) libc().close(fd);
  throw new FluxError(errno, `cannot listen on ipc://${path}: ${strerror(errno)}`);
}

function bind(fd: number, address: Uint8Array<ArrayBuffer>): number {
  return libcSocket().bind(fd, address, address.length) === 0 ? 0 : zmq().zmq_errno();
}

/** Whether somebody accepts connections there: a connect to a UNIX socket is answered at once. */
function isListening(address: Uint8Array<ArrayBuffer>): boolean {
  const fd = libcSocket().socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  if (fd < 0) return true;
  const isConnected = libcSocket().connect(fd, address, address.length) === 0;
  libc().close(fd);
  return isConnected;
}

/** `struct sockaddr_un`: family, path, terminator. */
function socketAddress(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array([AF_UNIX, 0, ...new TextEncoder().encode(path), 0]);
}
