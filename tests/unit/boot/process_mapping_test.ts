import { countNodes } from "../../../broker/boot/process_mapping.ts";
import { assertEquals } from "../../assert.ts";

for (
  const [mapping, size, nodes] of [
    ["(vector,(0,1,4))", 4, 1],
    ["(vector,(0,2,2))", 4, 2],
    ["(vector,(0,4,1))", 3, 3],
    ["(vector,(0,1,1))", 2, 1], // hydra: repeats until all ranks have a place
    ["(vector,(0,1,3),(1,1,1))", 4, 2],
    ["(vector,(0,2,1))", 4, 2],
    ["(vector,(0,1,0))", 2, undefined],
    ["", 4, undefined],
    ["nonsense", 4, undefined],
  ] as const
) {
  Deno.test(`countNodes("${mapping}") of ${size} ranks is ${nodes}`, () =>
    assertEquals(countNodes(mapping, size), nodes));
}
