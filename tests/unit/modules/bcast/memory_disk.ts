/** A disk in memory, for files that are received. */

import { FluxError } from "../../../../broker/message/mod.ts";
import type { Disk, Landing } from "../../../../modules/bcast/receiver.ts";

export class MemoryDisk implements Disk {
  readonly files = new Map<string, { content: Uint8Array; mode: number }>();
  /** Files that were not closed. */
  open = 0;
  readonly #room: number;

  /** `room`: bytes that may be written. */
  constructor(room = Infinity) {
    this.#room = room;
  }

  create(path: string, mode: number): Promise<Landing> {
    if (this.files.has(path)) throw new FluxError("EEXIST", path);
    const file = { content: new Uint8Array(0), mode };
    this.files.set(path, file);
    this.open++;
    let at: string | undefined = path;
    return Promise.resolve({
      write: (bytes) => {
        if (file.content.length + bytes.length > this.#room) return Promise.reject(new FluxError("ENOSPC", path));
        const grown = new Uint8Array(file.content.length + bytes.length);
        grown.set(file.content);
        grown.set(bytes, file.content.length);
        file.content = grown;
        return Promise.resolve();
      },
      publish: (name) => {
        this.files.delete(at!);
        this.files.set(name, file);
        at = undefined;
        return Promise.resolve();
      },
      discard: () => {
        this.open--;
        if (at !== undefined) this.files.delete(at);
      },
    });
  }
}

/** Bytes none of whose blocks are the same. */
export function patterned(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >>> 8) * 17 + (i >>> 16)) & 0xff);
}
