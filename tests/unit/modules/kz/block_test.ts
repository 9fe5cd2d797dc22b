import { blockKey, decodeBlock, encodeBlock, END } from "../../../../modules/kz/client.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";

Deno.test("a block is JSON with its bytes in base64, and the end is a block of its own", () => {
  const data = new Uint8Array([0, 255, 10]);
  assertEquals(encodeBlock({ data }), '{"data":"AP8K"}');
  assertEquals(encodeBlock(END), '{"eof":true}');
  assertEquals(decodeBlock('{ "data": "AP8K", "eof": true }', "k"), { data, eof: true });
  assertEquals(decodeBlock(encodeBlock(END), "k"), END);
});

Deno.test("blockKey() numbers the blocks of a stream with six digits", () => {
  assertEquals([blockKey("a.b", 0), blockKey("a.b", 1234567)], ["a.b.000000", "a.b.1234567"]);
});

Deno.test("decodeBlock() names the key and what is wrong with it", () => {
  for (
    const [text, fault] of [
      ["no json", "not an object"],
      ["[]", "not an object"],
      ["{}", 'it needs "data" or "eof"'],
      ['{"data":7}', '"data" must be a string'],
      ['{"eof":"yes"}', '"eof" must be true or false'],
    ] as const
  ) {
    assertThrows(() => decodeBlock(text, "s.000000"), {
      errno: "EPROTO",
      text: `s.000000: not a block of a stream: ${fault}`,
    });
  }
  assertThrows(() => decodeBlock('{"data":"*"}', "s.000000"), { errno: "EPROTO" });
});
