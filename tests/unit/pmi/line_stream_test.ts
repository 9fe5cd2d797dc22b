/** Lines over a byte stream that comes in pieces. */

import fc from "fast-check";
import { assertEquals, assertRejects } from "../../assert.ts";
import { LineStream } from "../../../broker/pmi/mod.ts";

/** A stream that gives `pieces` one by one, then ends; what is written is kept, `atMost` bytes at a time. */
function pieces(input: readonly (string | Uint8Array)[], atMost = Infinity) {
  const queue = input.map((piece) => typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
  const stream = {
    written: "",
    closed: 0,
    read(into: Uint8Array): Promise<number | null> {
      const piece = queue.shift();
      if (!piece) return Promise.resolve(null);
      into.set(piece);
      return Promise.resolve(piece.length);
    },
    write(bytes: Uint8Array): Promise<number> {
      const count = Math.min(bytes.length, atMost);
      stream.written += new TextDecoder().decode(bytes.subarray(0, count));
      return Promise.resolve(count);
    },
    close: () => void stream.closed++,
  };
  return stream;
}

async function all(lines: LineStream): Promise<string[]> {
  const found: string[] = [];
  for (let line = await lines.read(); line !== null; line = await lines.read()) found.push(line);
  return found;
}

Deno.test("LineStream.read() puts lines together from any pieces", async () => {
  const text = fc.array(fc.string({ unit: "grapheme", maxLength: 20 }).map((one) => one.replaceAll("\n", "")));
  await fc.assert(fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (lines, step) => {
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    const parts = Array.from(
      { length: Math.ceil(bytes.length / step) },
      (_, i) => bytes.slice(i * step, (i + 1) * step),
    );
    assertEquals(await all(new LineStream(pieces(parts), 1000)), lines);
  }));
});

Deno.test("LineStream.read() drops a last line without an end", async () => {
  assertEquals(await all(new LineStream(pieces(["one\ntw", "o"]), 100)), ["one"]);
});

Deno.test("LineStream.read() refuses a line over the limit, ended or not", async () => {
  assertEquals(await new LineStream(pieces(["12345\n"]), 5).read(), "12345");
  await assertRejects(new LineStream(pieces(["123456\n"]), 5).read(), { errno: "EMSGSIZE" });
  await assertRejects(new LineStream(pieces(["123", "456"]), 5).read(), { errno: "EMSGSIZE" });
});

Deno.test("LineStream.read() takes a lost connection for the end", async () => {
  const broken = { ...pieces([]), read: () => Promise.reject(new Deno.errors.ConnectionReset()) };
  assertEquals(await new LineStream(broken, 5).read(), null);
});

Deno.test("LineStream.write() keeps order over partial writes, and close() waits for the last", async () => {
  const stream = pieces([], 3);
  const lines = new LineStream(stream, 100);
  lines.write("hello");
  lines.write("world");
  await lines.close();
  await lines.close();
  assertEquals([stream.written, stream.closed], ["hello\nworld\n", 1]);
});

Deno.test("LineStream.write() to someone who is gone is dropped", async () => {
  const broken = { ...pieces([]), write: () => Promise.reject(new Deno.errors.BrokenPipe()) };
  const lines = new LineStream(broken, 5);
  lines.write("hello");
  await lines.close();
});
