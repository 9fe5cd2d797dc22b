import fc from "fast-check";
import { decodeJson, decodeText, encodeJson, encodeText, errorText, real } from "../../../broker/message/mod.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (payload: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload);
const unicode = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());

Deno.test("decodeJson() of encodeJson() is the same object", () => {
  check(fc.property(fc.dictionary(unicode, fc.jsonValue()), (object) => {
    const plain = JSON.parse(JSON.stringify(object));
    assertEquals(decodeJson(encodeJson(object)), plain);
  }));
});

Deno.test("encodeJson() is compact and ends in one NUL", () => {
  assertEquals(textOf(encodeJson({ a: [1, "é"], b: undefined })), '{"a":[1,"é"]}\0');
});

Deno.test("encodeJson() keeps a NUL inside a string, escaped", () => {
  const payload = encodeJson({ a: "x\0y" });
  assertEquals(payload.indexOf(0), payload.length - 1);
  assertEquals(decodeJson(payload), { a: "x\0y" });
});

Deno.test("decodeText() of encodeText() is the same text, its byte order mark and U+FFFD included", () => {
  check(fc.property(unicode.filter((text) => !text.includes("\0")), (text) => {
    assertEquals(decodeText(encodeText(text)), text);
  }));
  assertEquals(decodeText(encodeText("\ufeffa\ufffd")), "\ufeffa\ufffd");
});

Deno.test("decodeText() and decodeJson() read up to the first NUL, whatever stands behind it", () => {
  const stale = new Uint8Array([...bytes('{"a":1}\0'), 0xff, 0xc3, 0x28, 0]);
  assertEquals(decodeText(stale), '{"a":1}');
  assertEquals(decodeJson(stale), { a: 1 });
  assertEquals(decodeText(bytes("\0")), "");
});

Deno.test("decodeText() refuses a payload that does not end in NUL, and none", () => {
  for (const payload of [undefined, bytes("abc"), bytes("a\0b")]) {
    assertThrows(() => decodeText(payload), { errno: "EPROTO", text: "NUL-terminated" });
  }
});

Deno.test("decodeText() refuses what is not UTF-8", () => {
  for (const bad of ["ff", "c328", "e282", "eda080", "61c0af62"]) {
    const payload = Uint8Array.fromHex(bad + "00");
    assertThrows(() => decodeText(payload), { errno: "EPROTO", text: "not UTF-8" });
  }
});

Deno.test("decodeJson() of no payload is an empty object", () => assertEquals(decodeJson(undefined), {}));

Deno.test("decodeJson() accepts whitespace and any order of keys", () => {
  assertEquals(decodeJson(bytes(' {\n "b" : 2, "a":\t1 }\0')), { a: 1, b: 2 });
});

for (const text of ["", "null", "1", '"a"', "[]", "[{}]", "{", "{}}", "{'a':1}", "{a:1}", '{"a":01}', "\ufeff{}"]) {
  Deno.test(`decodeJson() refuses ${JSON.stringify(text)}`, () => {
    assertThrows(() => decodeJson(bytes(text + "\0")), { errno: "EPROTO" });
  });
}

Deno.test("decodeJson() of any bytes gives an object or throws EPROTO", () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.json().map(bytes), fc.constant(bytes('{"a":')));
  let objects = 0;
  check(
    fc.property(fc.array(piece, { maxLength: 3 }), (pieces) => {
      const payload = new Uint8Array([...pieces.flatMap((p) => [...p]), 0]);
      try {
        const object = decodeJson(payload);
        assert(typeof object === "object" && !Array.isArray(object));
        objects++;
      } catch (error) {
        assertThrows(() => {
          throw error;
        }, { errno: "EPROTO" });
      }
    }),
    1000,
  );
  assert(objects > 10, `only ${objects} of 1000 were objects`);
});

Deno.test("decodeJson() refuses a nesting deeper than 2048, and only that", () => {
  const nested = (depth: number, open = "[", close = "]") =>
    bytes(`{"a":${open.repeat(depth)}1${close.repeat(depth)}}\0`);
  decodeJson(nested(2047));
  decodeJson(nested(2047, '{"a":', "}"));
  assertThrows(() => decodeJson(nested(2048)), { errno: "EPROTO", text: "deeper than 2048" });
  assertThrows(() => decodeJson(nested(2048, '{"a":', "}")), { errno: "EPROTO", text: "deeper than 2048" });
  assertThrows(() => decodeJson(nested(1_000_000)), { errno: "EPROTO", text: "deeper than 2048" });
});

Deno.test("decodeJson() does not take brackets in strings, or side by side, for nesting", () => {
  const object = { a: "[".repeat(5000), b: '\\"[{'.repeat(3000), c: Array.from({ length: 5000 }, () => ({ d: [1] })) };
  assertEquals(decodeJson(encodeJson(object)), object);
});

Deno.test("decodeJson() takes integers beyond 2^53 to the nearest number; text carries them unchanged", () => {
  const text = '{"id":9007199254740993}';
  assertEquals(decodeJson(bytes(text + "\0")), { id: 9007199254740992 });
  assertEquals(decodeText(encodeText(text)), text);
});

Deno.test("decodeJson() keeps __proto__ as an ordinary key", () => {
  const object = decodeJson(bytes('{"__proto__":{"admin":true}}\0'));
  assertEquals(Object.getPrototypeOf(object), Object.prototype);
  assertEquals(Object.keys(object), ["__proto__"]);
});

Deno.test("real() prints a decimal point or an exponent", () => {
  const print = (value: number) => textOf(encodeJson({ v: real(value) })).slice(5, -2);
  assertEquals(print(12), "12.0");
  assertEquals(print(-1), "-1.0");
  assertEquals(print(0), "0.0");
  assertEquals(print(0.25), "0.25");
  assertEquals(print(1e21), "1e+21");
  assertEquals(print(1e-9), "1e-9");
  assertEquals(print(Number.MAX_SAFE_INTEGER), "9007199254740991.0");
});

Deno.test("real() of any finite number is read back as that number and never looks like an integer", () => {
  check(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const payload = encodeJson({ v: real(value) });
    assert(/[.e]/.test(textOf(payload).slice(5, -2)), textOf(payload));
    assertEquals((decodeJson(payload)["v"] as number) + 0, value + 0);
  }));
});

Deno.test("real() refuses what JSON cannot say", () => {
  for (const value of [NaN, Infinity, -Infinity]) assertThrows(() => real(value), { errno: "EINVAL" });
});

Deno.test("errorText() is lenient: no payload, no NUL, bytes that are no text", () => {
  assertEquals(errorText(undefined), "");
  assertEquals(errorText(bytes("why")), "why");
  assertEquals(errorText(bytes("why\0stale\0")), "why");
  assertEquals(errorText(new Uint8Array([0xff, 0])), "\ufffd");
});
