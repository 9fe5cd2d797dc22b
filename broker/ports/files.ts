/** The door to files of the host that users name: what a job reads and writes there. */

import { FluxError, strerror } from "../message/mod.ts";
import { explainDisk } from "./disk_error.ts";

export interface FileReader {
  /** The next bytes, at most `limit`; undefined at the end. */
  read(limit: number): Promise<Uint8Array | undefined>;
  close(): void;
}

export interface FileWriter {
  /** Resolves when all of it is written. Throws ENOSPC, EIO …, and names the file. */
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

export interface Files {
  /** Throws ENOENT, EACCES, EISDIR …, whose text is `PATH: No such file or directory`. */
  open(path: string): Promise<FileReader>;
  /** Makes the file, or empties one that is there. Throws the same. */
  create(path: string): Promise<FileWriter>;
}

export const systemFiles: Files = {
  async open(path) {
    const file = await about(path, async () => {
      if ((await Deno.stat(path)).isDirectory) throw new FluxError("EISDIR");
      return await Deno.open(path);
    });
    return {
      async read(limit) {
        const buffer = new Uint8Array(limit);
        const count = await about(path, () => file.read(buffer));
        return count === null ? undefined : buffer.subarray(0, count);
      },
      close: () => file.close(),
    };
  },

  async create(path) {
    const file = await about(path, () => Deno.open(path, { write: true, create: true, truncate: true }));
    return {
      async write(bytes) {
        for (let at = 0; at < bytes.length;) at += await about(path, () => file.write(bytes.subarray(at)));
      },
      close: () => file.close(),
    };
  },
};

async function about<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof FluxError
      ? new FluxError(error.errnum, `${path}: ${strerror(error.errnum)}`, { cause: error })
      : explainDisk(error, path);
  }
}
