/** The disk of this host, as a receiver sees it. */

import { explainDisk } from "../../broker/ports/mod.ts";
import type { Disk, Landing } from "./receiver.ts";

export const systemDisk: Disk = {
  async create(path, mode) {
    try {
      const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      return new SystemLanding(file, path, mode);
    } catch (error) {
      const directory = path.slice(0, path.lastIndexOf("/")) || "/";
      throw explainDisk(error, directory);
    }
  },
};

class SystemLanding implements Landing {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  readonly #mode: number;
  #published = false;

  constructor(file: Deno.FsFile, path: string, mode: number) {
    this.#file = file;
    this.#path = path;
    this.#mode = mode;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
    } catch (error) {
      throw explainDisk(error, this.#path.slice(0, this.#path.lastIndexOf("/")));
    }
  }

  async publish(path: string): Promise<void> {
    try {
      // What create gave it was cut by the umask, which is not for files that are copied.
      await Deno.chmod(this.#path, this.#mode);
      await Deno.rename(this.#path, path);
      this.#published = true;
    } catch (error) {
      throw explainDisk(error, path);
    }
  }

  discard(): void {
    this.#file.close();
    if (this.#published) return;
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw explainDisk(error, this.#path);
    }
  }
}
