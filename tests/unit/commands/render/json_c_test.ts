import { pretty, spaced } from "../../../../commands/render/json_c.ts";
import { assertEquals } from "../../../assert.ts";

Deno.test("spaced() prints JSON on one line as json-c does", () => {
  assertEquals(spaced({ "1": { idle: 0 }, list: [1, "a", null] }), '{ "1": { "idle": 0 }, "list": [ 1, "a", null ] }');
  assertEquals([spaced({}), spaced([]), spaced(true)], ["{ }", "[ ]", "true"]);
});

Deno.test("pretty() prints one member a line, without a blank after the colon", () => {
  assertEquals(
    pretty({ a: 1, b: { c: [2] }, d: {}, e: [] }),
    '{\n  "a":1,\n  "b":{\n    "c":[\n      2\n    ]\n  },\n  "d":{},\n  "e":[]\n}',
  );
  assertEquals(pretty({ a: undefined, b: "x" }), '{\n  "b":"x"\n}');
  assertEquals(pretty(1.5), "1.5");
});
