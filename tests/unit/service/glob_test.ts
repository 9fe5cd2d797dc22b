import { globPattern } from "../../../broker/service/glob.ts";
import { assertEquals } from "../../assert.ts";

const matches = (glob: string, text: string) => globPattern(glob).test(text);

Deno.test("globPattern() matches a whole topic, with * for any run and ? for one character", () => {
  assertEquals(matches("*", ""), true);
  assertEquals(matches("kvs.*", "kvs.lookup"), true);
  assertEquals(matches("kvs.*", "kvsx.lookup"), false);
  assertEquals(matches("kvs", "kvs.lookup"), false);
  assertEquals(matches("k?s", "kvs"), true);
  assertEquals(matches("*.get", "attr.get"), true);
});

Deno.test("globPattern() reads sets, negated sets and escapes, and an open bracket alone as itself", () => {
  assertEquals(matches("[a-c]x", "bx"), true);
  assertEquals(matches("[!a-c]x", "bx"), false);
  assertEquals(matches("[!a-c]x", "dx"), true);
  assertEquals(matches("\\*", "*"), true);
  assertEquals(matches("\\*", "a"), false);
  assertEquals(matches("a[", "a["), true);
  assertEquals(matches("[\\]", "\\"), true);
});
