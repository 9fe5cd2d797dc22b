/** The socket of a task as a reader and a writer, as its standard input and output have them; streams would double the cost of a line. */

import type { TaskChannel } from "../../ports/mod.ts";

const SPACE = 16 << 10;

export interface Reader {
  /** Without a value at the end. */
  read(): Promise<{ readonly value?: Uint8Array | undefined }>;
  /** Nothing is read any more. */
  cancel(): Promise<void>;
}

export interface Writer {
  /** Resolves when all of it was taken. */
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** The channel is closed once both ends are done with it, in whatever way. */
export function channelEnds(channel: TaskChannel): { readonly reader: Reader; readonly writer: Writer } {
  const open = new Set(["reader", "writer"]);
  const done = (end: "reader" | "writer") => {
    if (open.delete(end) && open.size === 0) channel.close();
  };
  const space = new Uint8Array(SPACE);
  const reader: Reader = {
    async read() {
      const count = await channel.read(space).catch(() => null); // broken: the end as well
      if (count !== null) return { value: space.slice(0, count) };
      done("reader");
      return {};
    },
    cancel: () => Promise.resolve(done("reader")),
  };
  const writer: Writer = {
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length;) at += await channel.write(bytes.subarray(at));
      } catch (error) {
        done("writer");
        throw error;
      }
    },
    async close() {
      if (!open.has("writer")) return;
      await channel.closeWrite().catch(() => {}); // nobody reads any more
      done("writer");
    },
  };
  return { reader, writer };
}
