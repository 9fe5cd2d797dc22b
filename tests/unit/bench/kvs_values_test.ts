import { assertEquals, assertNotEquals } from "../../assert.ts";
import { value } from "../../bench/kvs_values.ts";
import { rowName, storedIn } from "../../bench/medium.ts";

Deno.test("value() is a JSON string of 16 bytes, another one for every number", () => {
  const text = new TextDecoder().decode(value(1_234_567));
  assertEquals([text.length, JSON.parse(text)], [16, "00000001234567"]);
  assertNotEquals(value(1), value(2));
});

Deno.test("value() of more bytes has exactly as many, and differs from number to number", () => {
  assertEquals(value(1, 4096).length, 4096);
  assertNotEquals(value(1, 4096), value(2, 4096));
});

Deno.test("rowName() names the medium unless it is memory", () => {
  assertEquals([rowName("kvs.put.4k", "memory"), rowName("kvs.put.4k", "statedir")], [
    "kvs.put.4k",
    "kvs.put.4k.statedir",
  ]);
});

Deno.test("storedIn() gives a session of the medium statedir a directory, and none to one in memory", () => {
  const around = { work: "/w" };
  assertEquals([storedIn("memory", around), storedIn("statedir", around)], [{}, { statedir: "/w/state" }]);
});
