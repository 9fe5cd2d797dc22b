/** Files that are none: texts by their paths, in a directory that holds everything but what begins with `/none/`. */

import { type Files, type FileWriter } from "../../broker/ports/mod.ts";
import { FluxError } from "../../broker/message/mod.ts";

export class SimFiles implements Files {
  readonly texts: Record<string, string> = {};
  /** Paths that are being read or written. */
  readonly busy = new Set<string>();

  open(path: string) {
    const text = this.texts[path];
    if (text === undefined) return Promise.reject(new FluxError("ENOENT", `${path}: No such file or directory`));
    let rest = new TextEncoder().encode(text);
    this.busy.add(path);
    return Promise.resolve({
      read: (limit: number) => {
        const bytes = rest.subarray(0, limit);
        rest = rest.subarray(limit);
        return Promise.resolve(bytes.length > 0 ? bytes : undefined);
      },
      close: () => void this.busy.delete(path),
    });
  }

  create(path: string): Promise<FileWriter> {
    if (path.startsWith("/none/")) {
      return Promise.reject(new FluxError("ENOENT", `${path}: No such file or directory`));
    }
    this.texts[path] = "";
    this.busy.add(path);
    const utf8 = new TextDecoder();
    return Promise.resolve({
      write: (bytes) => {
        this.texts[path] += utf8.decode(bytes, { stream: true });
        return Promise.resolve();
      },
      close: () => void this.busy.delete(path),
    });
  }
}
