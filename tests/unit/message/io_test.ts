import fc from "fast-check";
import { decodeIo, encodeIo, ioBytes, type Json } from "../../../broker/message/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("encodeIo() sends text as it is, and what is none in base64", () => {
  assertEquals(encodeIo("stdout", "1", bytes("hi\n")), { stream: "stdout", rank: "1", data: "hi\n" });
  assertEquals(encodeIo("stderr", "0", undefined), { stream: "stderr", rank: "0", eof: true });
  const binary = { stream: "stdout", rank: "1", data: "Yf8=", encoding: "base64" } as const;
  assertEquals(encodeIo("stdout", "1", new Uint8Array([97, 255])), binary);
  assertEquals(encodeIo("stdout", "1", new Uint8Array([0])).encoding, "base64");
});

Deno.test("decodeIo() gives back the bytes that encodeIo() was given", () => {
  check(
    fc.property(fc.oneof(fc.uint8Array(), fc.string().map(bytes)), (data) => {
      const { data: back } = decodeIo(JSON.parse(JSON.stringify(encodeIo("s", "0", data))));
      assertEquals(ioBytes(back!), new Uint8Array(data));
    }),
  );
});

for (
  const [io, text] of [
    [null, '"io" must be an object'],
    [{ data: "x" }, '"io.stream"'],
    [{ stream: "stdin" }, '"io" needs "data" or "eof"'],
    [{ stream: "stdin", data: 1 }, '"io.data"'],
    [{ stream: "stdin", eof: 1 }, '"io.eof"'],
    [{ stream: "stdin", data: "x", encoding: "rot13" }, '"io.encoding"'],
    [{ stream: "stdin", data: "!", encoding: "base64" }, '"io.data" must be base64'],
  ] as [Json, string][]
) {
  Deno.test(`decodeIo() refuses ${JSON.stringify(io)}`, () => {
    assertThrows(() => decodeIo(io), { errno: "EPROTO", text });
  });
}
