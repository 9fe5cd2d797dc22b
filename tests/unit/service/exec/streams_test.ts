/** The small parts of a task's streams. */

import fc from "fast-check";
import { exitCode, signalOf, waitStatus } from "../../../../broker/ports/mod.ts";
import { InputStream } from "../../../../broker/service/exec/input_stream.ts";
import { KeptOutput } from "../../../../broker/service/exec/kept_output.ts";
import { OutputStream } from "../../../../broker/service/exec/output_stream.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("InputStream hands over all that was written, in order, in pieces of at most 64 KiB", () => {
  const size = fc.oneof(fc.nat(50), fc.nat(200_000));
  check(
    fc.property(fc.array(fc.oneof(size, fc.constant(-1)), { maxLength: 40 }), (steps) => {
      const stream = new InputStream("stdin", 4 << 20);
      let [written, handed, next] = [0, 0, 0];
      const take = () => {
        const piece = stream.next();
        if (!(piece instanceof Uint8Array)) return false;
        assert(piece.length <= 1 << 16);
        for (const byte of piece) assert(byte === next++ % 251, "other bytes");
        handed += piece.length;
        assertEquals(stream.taken(), piece.length);
        return true;
      };
      for (const step of steps) {
        if (step < 0) take();
        else {
          stream.write(Uint8Array.from({ length: step }, (_, i) => (written + i) % 251));
          written += step;
        }
      }
      while (take());
      assertEquals([handed, stream.length], [written, 0]);
    }),
    60,
  );
});

Deno.test("InputStream keeps many small writes in little more memory than their bytes", () => {
  const stream = new InputStream("stdin", 4 << 20);
  for (let i = 0; i < 100_000; i++) stream.write(bytes("x"));
  const pieces: number[] = [];
  for (let piece = stream.next(); piece instanceof Uint8Array; piece = stream.next()) {
    pieces.push(piece.length);
    stream.taken();
  }
  assertEquals(pieces, [1, 1 << 16, 100_000 - 1 - (1 << 16)]);
});

Deno.test("OutputStream sends a line that is too long in pieces", () => {
  const stream = new OutputStream("stdout", true, Infinity);
  assertEquals(stream.read(new Uint8Array(65_535)), undefined);
  assertEquals(stream.read(new Uint8Array(10))?.length, 65_545);
});

Deno.test("KeptOutput keeps the last 64 KiB of each stream, and its end", () => {
  const kept = new KeptOutput();
  for (let i = 0; i < 10; i++) kept.add("stdout", new Uint8Array(10_000).fill(i));
  kept.add("stderr", bytes("x"));
  kept.add("stdout", undefined);
  const sizes = kept.pieces.map(({ stream, bytes }) => `${stream} ${bytes ? `${bytes[0]}*${bytes.length}` : "eof"}`);
  assertEquals(sizes, [...[4, 5, 6, 7, 8, 9].map((i) => `stdout ${i}*10000`), "stderr 120*1", "stdout eof"]);
  kept.add("stderr", new Uint8Array(100_000));
  assertEquals(kept.pieces.at(-1)!.bytes!.length, 1 << 16);
});

Deno.test("waitStatus() is the word of wait(2), and exitCode() what a shell makes of it", () => {
  for (
    const [code, signal, word] of [[0, null, 0], [3, null, 768], [130, "SIGINT", 2], [168, "signal 40", 40]] as const
  ) {
    assertEquals([waitStatus({ code, signal }), exitCode(word), signalOf(word) > 0], [word, code, signal !== null]);
  }
});
