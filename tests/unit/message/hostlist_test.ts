import { formatHostlist, parseHostlist } from "../../../broker/message/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

for (
  const [text, names] of [
    ["", []],
    ["a", ["a"]],
    ["node[1-3]", ["node1", "node2", "node3"]],
    ["node[1-2,7]", ["node1", "node2", "node7"]],
    ["n[08-10]-ib", ["n08-ib", "n09-ib", "n10-ib"]],
    ["n[9-10]", ["n9", "n10"]],
    ["b,a,a", ["b", "a", "a"]],
    ["n[1,1]", ["n1", "n1"]],
    ["r1n2,r2n2", ["r1n2", "r2n2"]],
    ["n[099-100]", ["n099", "n100"]],
    ["n[09-10],n011", ["n09", "n10", "n011"]],
    ["10.0.0.[1-2]", ["10.0.0.1", "10.0.0.2"]],
  ] as [string, string[]][]
) {
  Deno.test(`hostlist "${text}" is read, and written again`, () => {
    assertEquals(parseHostlist(text), names);
    assertEquals(parseHostlist(formatHostlist(names)), names);
    if (text !== "n[09-10],n011") assertEquals(formatHostlist(names), text);
  });
}

Deno.test("parseHostlist() takes white space between hosts, and several brackets", () => {
  assertEquals(parseHostlist(" a\nb, c "), ["a", "b", "c"]);
  assertEquals(parseHostlist("r[1-2]n[1-2]"), ["r1n1", "r1n2", "r2n1", "r2n2"]);
});

for (const text of ["a[", "a]", "a[1", "a[x]", "a[3-1]", "a[]", "a[[1]]", "a[1-9999999]"]) {
  Deno.test(`parseHostlist("${text}") is EINVAL`, () => {
    assertThrows(() => parseHostlist(text), { errno: "EINVAL", text: `hostlist "${text}"` });
  });
}
