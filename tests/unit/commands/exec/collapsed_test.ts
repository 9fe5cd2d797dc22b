import { Idset } from "../../../../broker/message/mod.ts";
import { Collapsed, groupTitle, hostSet } from "../../../../commands/exec/collapsed.ts";
import { assertEquals } from "../../../assert.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("Collapsed.groups() puts ranks together that wrote the same, however it was cut", () => {
  const collapsed = new Collapsed();
  for (const [rank, text] of [[4, "a"], [0, "x"], [4, "b"], [1, "ab"], [2, "abc"]] as const) {
    collapsed.add(rank, bytes(text));
  }
  const groups = collapsed.groups().map(({ ranks, bytes }) => [`${ranks}`, new TextDecoder().decode(bytes)]);
  assertEquals(groups, [["0", "x"], ["1,4", "ab"], ["2", "abc"]]);
});

Deno.test("Collapsed.add() says when that is too much", () => {
  const collapsed = new Collapsed();
  const part = new Uint8Array(64 << 20);
  assertEquals([1, 2, 3, 4, 5].map((rank) => collapsed.add(rank, part)), [true, true, true, true, false]);
});

Deno.test("groupTitle() names ranks, their number and their hosts", () => {
  const rule = "-".repeat(16);
  assertEquals(groupTitle(new Idset([0, 1]), ["a1", "a2"]), `${rule}\n[0-1] (2 ranks on a[1-2])\n${rule}\n`);
  assertEquals(groupTitle(new Idset([1]), ["a1", "a2"]), `${rule}\n1 (1 rank on a2)\n${rule}\n`);
});

for (
  const [names, set] of [
    [["node1", "node2", "node4", "node1"], "node[1-2,4]"],
    [["login", "n7"], "login,n7"],
    [["n01", "n02"], "n0[1-2]"],
    [[], ""],
  ] as [string[], string][]
) {
  Deno.test(`hostSet() makes ${set || "nothing"} of ${names.join(" ") || "nothing"}`, () => {
    assertEquals(hostSet(names), set);
  });
}
