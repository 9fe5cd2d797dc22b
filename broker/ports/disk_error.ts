/** What the disk refuses, as errors with a number. */

import { errname, type Errno, FluxError, strerror } from "../message/mod.ts";

const KINDS: readonly (readonly [new (...args: never[]) => Error, Errno])[] = [
  [Deno.errors.NotADirectory, "ENOTDIR"],
  [Deno.errors.PermissionDenied, "EACCES"],
  [Deno.errors.NotFound, "ENOENT"],
  [Deno.errors.AlreadyExists, "EEXIST"],
];

/** A {@link FluxError} that names `path`; one already is returned as it is. EINVAL for what cannot be the name of a file. */
export function explainDisk(error: unknown, path: string): FluxError {
  if (error instanceof FluxError) return error;
  if (path.includes("\0")) return new FluxError("EINVAL", "the name of a file has a NUL in it", { cause: error });
  const text = error instanceof Error ? error.message : String(error);
  const number = Number(/\(os error (\d+)\)/.exec(text)?.[1]);
  const kind = KINDS.find(([kind]) => error instanceof kind)?.[1] ?? "EIO";
  const errno = number && errname(number) ? number : kind;
  const reason = number ? strerror(number) : text;
  return new FluxError(errno, `${path}: ${reason}`, { cause: error });
}
