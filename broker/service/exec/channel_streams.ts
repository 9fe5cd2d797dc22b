/** The socket of a task as two streams, like its standard input and output. */

import type { TaskChannel } from "../../ports/mod.ts";

const SPACE = 64 << 10;

export interface ChannelStreams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** The channel is closed once both have ended, in whatever way. */
export function channelStreams(channel: TaskChannel): ChannelStreams {
  const open = new Set(["readable", "writable"]);
  const ended = (side: "readable" | "writable") => {
    if (open.delete(side) && open.size === 0) channel.close();
  };
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const space = new Uint8Array(SPACE);
      const count = await channel.read(space).catch(() => null); // broken: the end as well
      if (!open.has("readable")) return; // given up meanwhile
      if (count !== null) return controller.enqueue(space.subarray(0, count));
      controller.close();
      ended("readable");
    },
    cancel: () => ended("readable"),
  }, { highWaterMark: 0 });
  const writable = new WritableStream<Uint8Array>({
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length;) at += await channel.write(bytes.subarray(at));
      } catch (error) {
        ended("writable");
        throw error;
      }
    },
    async close() {
      await channel.closeWrite().catch(() => {}); // nobody reads any more
      ended("writable");
    },
    abort: () => ended("writable"),
  });
  return { readable, writable };
}
