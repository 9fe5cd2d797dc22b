import { shown, treeobjText, typeOf, valueRecord, valueText } from "../../../../commands/kvs/value.ts";
import { assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";
import fc from "fast-check";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("valueText() keeps JSON as it is written, also integers beyond 2^53", () => {
  for (const text of ["1", "-0.50", "true", "null", '"a"', '{"b": [1,2]}', "1152921504606846976"]) {
    assertEquals(valueText(text), text);
  }
  assertEquals(valueText(" 7\n"), "7");
});

Deno.test("valueText() makes a JSON string of everything else", () => {
  assertEquals(valueText("foo"), '"foo"');
  assertEquals(valueText(""), '""');
  assertEquals(valueText("1abc"), '"1abc"');
  assertEquals(valueText("NaN"), '"NaN"');
  assertEquals(valueText('say "hi"\n'), '"say \\"hi\\"\\n"');
  assertEquals(valueText(" "), '" "');
});

Deno.test("shown() takes the quotes off a JSON string", () => {
  assertEquals(shown(bytes('"a \\"b\\" \\u00e4"')), 'a "b" ä');
  assertEquals(shown(bytes('""')), "");
  assertEquals(shown(bytes('"1"')), "1");
});

Deno.test("shown() leaves other JSON and other text as they are stored, without the last newline", () => {
  for (const text of ["1152921504606846976", "3.140", "null", '{ "a":1}', "abc", '"abc', '"a" "b"']) {
    assertEquals(shown(bytes(text)), text);
  }
  assertEquals(shown(bytes("one\ntwo\n")), "one\ntwo");
});

Deno.test("shown() leaves bytes alone that are no text, and no bytes", () => {
  const binary = new Uint8Array([0xff, 0, 0x0a]);
  assertEquals(shown(binary), binary);
  assertEquals(shown(new Uint8Array(0)), new Uint8Array(0));
});

Deno.test(
  "shown() undoes valueText() of a word that is not JSON",
  () =>
    check(fc.property(fc.string({ unit: "grapheme" }), (word) => {
      let isJson = true;
      try {
        JSON.parse(word);
      } catch {
        isJson = false;
      }
      fc.pre(!isJson);
      assertEquals(shown(bytes(valueText(word))), word);
    })),
);

Deno.test("typeOf() names the types of JSON, and bytes for what is none", () => {
  const types = {
    "null": "null",
    "true": "boolean",
    "1": "int",
    "1152921504606846976": "int",
    "1.0": "double",
    "1e3": "double",
    '"1"': "string",
    "[]": "array",
    "{}": "object",
    "abc": "bytes",
    "": "bytes",
  };
  for (const [text, type] of Object.entries(types)) assertEquals(typeOf(bytes(text)), type, text);
  assertEquals(typeOf(new Uint8Array([0xff])), "bytes");
});

Deno.test("valueRecord() keeps every digit, and tells text and bytes apart", () => {
  const json = (text: string) => JSON.stringify(valueRecord(bytes(text)));
  assertEquals(json('{"a":[1152921504606846976,1.0,1]}'), '{"value":{"a":[1152921504606846976,1.0,1]}}');
  assertEquals(json("abc\n"), '{"text":"abc\\n"}');
  assertEquals(valueRecord(new Uint8Array([0xff])), { base64: "/w==" });
});

Deno.test("treeobjText() sorts the members at every level", () => {
  const val = { ver: 1, type: "val", data: "MQ==" } as const;
  assertEquals(
    treeobjText({ ver: 1, type: "dir", data: { b: val, a: val } }),
    '{"data":{"a":{"data":"MQ==","type":"val","ver":1},"b":{"data":"MQ==","type":"val","ver":1}},"type":"dir","ver":1}',
  );
});
