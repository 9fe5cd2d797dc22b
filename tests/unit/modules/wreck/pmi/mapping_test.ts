import fc from "fast-check";
import { assertEquals } from "../../../../assert.ts";
import { nodesOf, processMapping } from "../../../../../modules/wreck/pmi/mapping.ts";

for (
  const [nodes, text] of [
    [[0, 0, 0, 0], "(vector,(0,1,4))"],
    [[0, 0, 1, 1], "(vector,(0,2,2))"],
    [[0, 1, 2, 3], "(vector,(0,4,1))"],
    [[0, 1, 0, 1], "(vector,(0,2,1),(0,2,1))"],
    [[0, 0, 0, 1], "(vector,(0,1,3),(1,1,1))"],
    [[1, 1, 0], "(vector,(1,1,2),(0,1,1))"],
    [[0], "(vector,(0,1,1))"],
  ] as const
) {
  Deno.test(`processMapping() says ${text} for tasks on nodes ${nodes}`, () => {
    assertEquals(processMapping(nodes), text);
  });
}

/** As MPICH reads it. */
function parse(text: string): number[] {
  return [...text.matchAll(/\((\d+),(\d+),(\d+)\)/g)].flatMap(([, first, nodes, tasks]) =>
    Array.from({ length: Number(nodes) }, (_, i) => Array<number>(Number(tasks)).fill(Number(first) + i)).flat()
  );
}

Deno.test("processMapping() names the node of every task, for any of them", () => {
  fc.assert(fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 40 }), (nodes) => {
    assertEquals(parse(processMapping(nodes)!), nodes);
  }));
});

Deno.test("processMapping() has no words for a map that takes more than a value may have", () => {
  const irregular = Array.from({ length: 400 }, (_, i) => Array<number>(1 + i % 2).fill(i)).flat();
  assertEquals(processMapping(irregular), undefined);
});

Deno.test("nodesOf() puts the tasks of all brokers of one host on one node", () => {
  const hosts = ["a", "b", "a", "c"];
  assertEquals(nodesOf({ ranks: [0, 1, 2, 3], cores: [2, 1, 1, 2] }, hosts), [0, 0, 1, 0, 2, 2]);
  assertEquals(nodesOf({ ranks: [5, 6], cores: [1, 1] }, hosts), [0, 1], "ranks whose host is not known are their own");
});
