import fc from "fast-check";
import { splitCall } from "../../../broker/service/mrpc_split.ts";
import { Idset } from "../../../broker/message/mod.ts";
import { Topology } from "../../../broker/overlay/mod.ts";
import { assert, assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";

const children = [{ rank: 3, ranks: new Idset([3, 7]) }, { rank: 4, ranks: new Idset([4, 9]) }];
const shown = ({ own, children, parent, unreachable }: ReturnType<typeof splitCall>) => [
  own,
  children.map(({ rank, ranks }) => `${rank}: ${ranks}`),
  `${parent}`,
  `${unreachable}`,
];

Deno.test("splitCall() gives each child the ranks behind it, and the parent what is left", () => {
  const at = { rank: 1, children, hasParent: true };
  assertEquals(shown(splitCall(new Idset([0, 1, 2, 7, 9]), false, at)), [true, ["3: 7", "4: 9"], "0,2", ""]);
  assertEquals(shown(splitCall(new Idset([3]), false, at)), [false, ["3: 3"], "", ""]);
});

Deno.test("splitCall() never sends back up what came down, nor to a parent that is not there", () => {
  const ranks = new Idset([2, 3]);
  assertEquals(shown(splitCall(ranks, true, { rank: 1, children, hasParent: true })), [false, ["3: 3"], "", "2"]);
  assertEquals(shown(splitCall(ranks, false, { rank: 0, children, hasParent: false })), [false, ["3: 3"], "", "2"]);
});

Deno.test("splitCall() from any rank of any tree reaches every rank exactly once", () => {
  const world = fc.record({ size: fc.integer({ min: 1, max: 70 }), k: fc.integer({ min: 0, max: 5 }), seed: fc.nat() });
  check(fc.property(world, ({ size, k, seed }) => {
    const topology = new Topology(size, k);
    const wanted = new Idset(Idset.upTo(size)).difference(new Idset(seed % 3 === 0 ? [seed % size] : []));
    const reached: number[] = [];
    const visit = (rank: number, ranks: Idset, down: boolean) => {
      const children = topology.children(rank).map((child) => ({ rank: child, ranks: topology.subtree(child) }));
      const split = splitCall(ranks, down, { rank, children, hasParent: rank !== 0 });
      assertEquals(split.unreachable.size, 0);
      if (split.own) reached.push(rank);
      for (const child of split.children) visit(child.rank, child.ranks, true);
      if (split.parent.size > 0) visit(topology.parent(rank)!, split.parent, false);
    };
    visit(seed % size, wanted, false);
    assert(reached.length === wanted.size && wanted.equals(new Idset(reached)));
  }));
});
