/** A directory that one process has to itself: it holds a lock on a file there, which the system lets go of when it dies. */

import { FluxError } from "../message/mod.ts";
import { explainDisk } from "./disk_error.ts";

export interface Lock {
  release(): void;
}

/** Makes the directory (0700) when it is missing. Throws EBUSY, saying who has it, EACCES, EROFS, ENOTDIR … */
export function lockDirectory(directory: string): Lock {
  const path = `${directory}/lock`;
  let file: Deno.FsFile | undefined;
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
    if (!file.tryLockSync(true)) throw new FluxError("EBUSY", `${directory}: in use by ${holder(path)}`);
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`pid ${Deno.pid} on ${Deno.hostname()}\n`));
  } catch (error) {
    file?.close();
    throw explainDisk(error, directory);
  }
  const held = file;
  return { release: () => held.close() };
}

function holder(path: string): string {
  return Deno.readTextFileSync(path).trim() || "another process";
}
