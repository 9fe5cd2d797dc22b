/** SQLite's errors, as errors with a number. Deno gives its words, and not its numbers. */

import { type Errno, FluxError } from "../message/mod.ts";

const WORDS: readonly (readonly [string, Errno])[] = [
  ["database or disk is full", "ENOSPC"],
  ["readonly database", "EROFS"],
  ["database is locked", "EBUSY"],
  ["unable to open database file", "EACCES"],
  ["access permission denied", "EACCES"],
  ["string or blob too big", "EFBIG"],
  ["out of memory", "ENOMEM"],
];

/** A {@link FluxError} that names `path`, EIO for what the disk or a damaged file does; what SQLite did not throw is returned as it is. */
export function explainSqlite(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || (error as { code?: string }).code !== "ERR_SQLITE_ERROR") return error;
  const { message } = error;
  const errno = WORDS.find(([words]) => message.includes(words))?.[1] ?? "EIO";
  return new FluxError(errno, `${path}: ${message}`, { cause: error });
}
