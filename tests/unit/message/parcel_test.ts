import fc from "fast-check";
import { assertEquals, assertThrows } from "../../assert.ts";
import { FluxError, pack, unpack } from "../../../broker/message/mod.ts";

Deno.test("unpack() gives the messages that were packed", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (messages) => {
    assertEquals(unpack(pack(messages)).map((message) => [...message]), messages.map((message) => [...message]));
  }));
});

Deno.test("unpack() takes any bytes apart or throws EPROTO", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    try {
      assertEquals([...pack(unpack(bytes))], [...bytes]);
    } catch (error) {
      if (!(error instanceof FluxError && error.code === "EPROTO")) throw error;
    }
  }));
});

Deno.test("unpack() refuses a parcel that was cut off", () => {
  const whole = pack([new Uint8Array([1, 2, 3]), new Uint8Array([4])]);
  for (const length of [1, 3, 4, 6, 8, 11]) assertThrows(() => unpack(whole.subarray(0, length)), { errno: "EPROTO" });
});
