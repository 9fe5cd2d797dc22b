import { components, join, KEY_LIMIT, normalize } from "../../../../../modules/kvs/tree/key.ts";
import { assertEquals, assertThrows } from "../../../../assert.ts";

Deno.test("normalize() drops needless dots", () => {
  for (const key of ["a.b", ".a.b", "a..b", "a.b.", "...a...b..."]) assertEquals(normalize(key), "a.b");
  for (const key of [".", "..", "..."]) assertEquals(normalize(key), ".");
});

Deno.test("normalize() refuses an empty key, and one that is too long", () => {
  assertThrows(() => normalize(""), { errno: "EINVAL" });
  assertThrows(() => normalize("a".repeat(KEY_LIMIT + 1)), { errno: "ENAMETOOLONG" });
  assertEquals(normalize("a".repeat(KEY_LIMIT)).length, KEY_LIMIT);
});

Deno.test("components() and join() take keys apart and put them together", () => {
  assertEquals(components("."), []);
  assertEquals(components("a.b.c"), ["a", "b", "c"]);
  assertEquals(join(".", "a"), "a");
  assertEquals(join("a.b", "c"), "a.b.c");
});
