/**
 * POSIX error numbers (Linux values) with the texts glibc prints for them.
 * The wire carries the number; people see the text. Source: spec wire.md, "Notation".
 */

const TABLE = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  ESRCH: [3, "No such process"],
  EINTR: [4, "Interrupted system call"],
  EIO: [5, "Input/output error"],
  E2BIG: [7, "Argument list too long"],
  ENOEXEC: [8, "Exec format error"],
  EBADF: [9, "Bad file descriptor"],
  ECHILD: [10, "No child processes"],
  EAGAIN: [11, "Resource temporarily unavailable"],
  ENOMEM: [12, "Cannot allocate memory"],
  EACCES: [13, "Permission denied"],
  EBUSY: [16, "Device or resource busy"],
  EEXIST: [17, "File exists"],
  ENODEV: [19, "No such device"],
  ENOTDIR: [20, "Not a directory"],
  EISDIR: [21, "Is a directory"],
  EINVAL: [22, "Invalid argument"],
  EMFILE: [24, "Too many open files"],
  EFBIG: [27, "File too large"],
  ENOSPC: [28, "No space left on device"],
  EROFS: [30, "Read-only file system"],
  EPIPE: [32, "Broken pipe"],
  ERANGE: [34, "Numerical result out of range"],
  EDEADLK: [35, "Resource deadlock avoided"],
  ENAMETOOLONG: [36, "File name too long"],
  ENOSYS: [38, "Function not implemented"],
  ENOTEMPTY: [39, "Directory not empty"],
  ELOOP: [40, "Too many levels of symbolic links"],
  ENODATA: [61, "No data available"],
  EPROTO: [71, "Protocol error"],
  EOVERFLOW: [75, "Value too large for defined data type"],
  EMSGSIZE: [90, "Message too long"],
  ENOTSUP: [95, "Operation not supported"],
  EADDRINUSE: [98, "Address already in use"],
  EADDRNOTAVAIL: [99, "Cannot assign requested address"],
  ENETDOWN: [100, "Network is down"],
  ENETUNREACH: [101, "Network is unreachable"],
  ECONNABORTED: [103, "Software caused connection abort"],
  ECONNRESET: [104, "Connection reset by peer"],
  ENOBUFS: [105, "No buffer space available"],
  ESHUTDOWN: [108, "Cannot send after transport endpoint shutdown"],
  ETIMEDOUT: [110, "Connection timed out"],
  ECONNREFUSED: [111, "Connection refused"],
  EHOSTUNREACH: [113, "No route to host"],
  ESTALE: [116, "Stale file handle"],
  ECANCELED: [125, "Operation canceled"],
} as const;

/** The symbolic name of an error number, such as `"ENOENT"`. */
export type Errno = keyof typeof TABLE;

const byNumber = new Map<number, Errno>(
  (Object.keys(TABLE) as Errno[]).map((name) => [TABLE[name][0], name]),
);

/** The Linux number of `name`: `errnum("ENOENT") === 2`. */
export function errnum(name: Errno): number {
  return TABLE[name][0];
}

/** The symbolic name of a number, or `undefined` for one this table does not hold. */
export function errname(num: number): Errno | undefined {
  return byNumber.get(num);
}

/** The text glibc's `strerror` gives for a number. */
export function strerror(num: number): string {
  const name = byNumber.get(num);
  return name ? TABLE[name][1] : `Unknown error ${num}`;
}

/**
 * A failure with a POSIX error number: thrown by whoever refuses, sent in an error response, thrown again
 * where the response is read. `message` is the text for people; without one it is `strerror`.
 */
export class FluxError extends Error {
  override readonly name = "FluxError";
  /** The Linux error number. */
  readonly errnum: number;
  /** True when the text says more than `strerror` would; only then does a response carry it. */
  readonly hasText: boolean;

  constructor(error: Errno | number, text?: string, options?: ErrorOptions) {
    const num = typeof error === "number" ? error : errnum(error);
    super(text || strerror(num), options);
    this.errnum = num;
    this.hasText = Boolean(text);
  }

  /** The symbolic name, such as `"ENOENT"`; `"E<number>"` for one that is not known here. */
  get code(): string {
    return errname(this.errnum) ?? `E${this.errnum}`;
  }
}

/** True when `error` is a {@link FluxError} with this error number. */
export function isErrno(error: unknown, name: Errno): error is FluxError {
  return error instanceof FluxError && error.errnum === errnum(name);
}
