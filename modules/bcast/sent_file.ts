/** A file of this host that is sent. */

import { FluxError } from "../../broker/message/mod.ts";
import { explainDisk } from "../../broker/ports/mod.ts";
import type { SentFile } from "./client.ts";

export class OpenFile implements SentFile, Disposable {
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #changed: number | undefined;
  /** Ends with the last read: there is one position in the file. */
  #last: Promise<unknown> = Promise.resolve();

  /** Throws what the disk says, EISDIR and EINVAL for what is no plain file. */
  constructor(path: string) {
    this.#path = path;
    this.#file = openPlain(path);
    const { size, mode, mtime } = this.#file.statSync();
    this.size = size;
    this.mode = (mode ?? 0o600) & 0o777;
    this.#changed = mtime?.getTime();
  }

  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.#last.then(() => this.#read(offset, length));
    this.#last = bytes.catch(() => {});
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  async #read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    try {
      await this.#file.seek(offset, Deno.SeekMode.Start);
      let at = 0;
      for (let n: number | null = 0; at < length && n !== null; at += n ?? 0) {
        n = await this.#file.read(bytes.subarray(at));
      }
      const { size, mtime } = await this.#file.stat();
      if (at < length || size !== this.size || mtime?.getTime() !== this.#changed) {
        throw new FluxError("EIO", `${this.#path}: it was changed while it was sent`);
      }
    } catch (error) {
      throw explainDisk(error, this.#path);
    }
    return bytes;
  }
}

/** What is no plain file is not opened at all: with a pipe that would take until somebody writes to it. */
function openPlain(path: string): Deno.FsFile {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    if (isDirectory) throw new FluxError("EISDIR", `${path}: Is a directory`);
    if (!isFile) throw new FluxError("EINVAL", `${path}: not a plain file`);
    return Deno.openSync(path);
  } catch (error) {
    throw explainDisk(error, path);
  }
}
