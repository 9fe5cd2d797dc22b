import { mappingOf } from "../../../broker/service/mapping.ts";
import { assertEquals } from "../../assert.ts";

for (
  const [hosts, mapping] of [
    ["", "[]"],
    ["a", "[[0,1,1,1]]"],
    ["a a a", "[[0,1,3,1]]"],
    ["a b c", "[[0,3,1,1]]"],
    ["a a b b", "[[0,2,2,1]]"],
    ["a a a b", "[[0,1,3,1],[1,1,1,1]]"],
    ["a b a b", "[[0,2,1,1],[0,2,1,1]]"],
  ] as const
) {
  Deno.test(`mappingOf() of hosts "${hosts}" is ${mapping}`, () => {
    assertEquals(mappingOf(hosts.split(" ").filter(Boolean)), mapping);
  });
}
