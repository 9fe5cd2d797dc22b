/** The standard streams of a child as one connection. */

import type { Child } from "../ports/mod.ts";
import type { ByteStream } from "../handle/mod.ts";

/** `child` has its standard input and output piped. Closing closes its input. */
export function childStream(child: Child): ByteStream {
  const reader = child.stdout!.getReader();
  const writer = child.stdin!.getWriter();
  let held: Uint8Array = new Uint8Array(0);
  return {
    async read(into) {
      while (held.length === 0) {
        const { value, done } = await reader.read();
        if (done) return null;
        held = value;
      }
      const count = Math.min(held.length, into.length);
      into.set(held.subarray(0, count));
      held = held.subarray(count);
      return count;
    },
    async write(bytes) {
      await writer.write(bytes);
      return bytes.length;
    },
    close: () => void writer.close().catch(() => {}),
  };
}
