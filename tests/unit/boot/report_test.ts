/** Whom people are told to wait for, and in which words. */

import { assertEquals } from "../../assert.ts";
import {
  describeExit,
  describeLate,
  describeMissing,
  describeRanks,
  Grouped,
  lateRanks,
} from "../../../broker/boot/report.ts";
import type { Progress } from "../../../broker/boot/member.ts";
import { Topology } from "../../../broker/overlay/mod.ts";

/** The late ranks of a binary tree of 7 in which all have come to `others`, except those named. */
function late(others: Progress, except: Record<number, Progress>): [number, Progress, number][] {
  const tree = new Topology(7, 2);
  const progress = Array.from({ length: 7 }, (_, rank) => except[rank] ?? others);
  return lateRanks(progress, (rank) => tree.parent(rank)).map(({ rank, progress, below }) => [rank, progress, below]);
}

Deno.test("lateRanks() blames those who have not come to the barrier for which all others wait", () => {
  assertEquals(late("waiting", { 1: "spawned", 6: "connected" }), [[1, "spawned", 2], [6, "connected", 0]]);
});

Deno.test("lateRanks() blames the topmost of several in one branch", () => {
  assertEquals(late("waiting", { 1: "spawned", 3: "spawned" }), [[1, "spawned", 2]]);
});

Deno.test("lateRanks() blames the top of the branch that has not joined", () => {
  assertEquals(late("joined", { 2: "joining", 5: "joining", 6: "joining" }), [[2, "joining", 2]]);
});

Deno.test("lateRanks() blames rank 0 when nobody is behind the others", () => {
  assertEquals(late("joined", {}), [[0, "joined", 6]]);
});

Deno.test("describeLate() names rank, host, process, reason and those who wait", () => {
  const where = { where: "node3, pid 17", isStopped: false };
  const verb = "did not come up within 10 s";
  assertEquals(
    describeLate({ rank: 3, progress: "joining", below: 2 }, where, verb),
    "rank 3 (node3, pid 17) did not come up within 10 s: it has not joined the tree; 2 ranks below it wait for it",
  );
  assertEquals(
    describeLate({ rank: 3, progress: "spawned", below: 1 }, { ...where, isStopped: true }, verb),
    "rank 3 (node3, pid 17) did not come up within 10 s: the process is stopped; 1 rank below it waits for it",
  );
  assertEquals(
    describeLate({ rank: 3, progress: "spawned", below: 0 }, where, verb),
    "rank 3 (node3, pid 17) did not come up within 10 s: it has not answered",
  );
  assertEquals(
    describeLate({ rank: 3, progress: "spawned", below: 0 }, { ...where, said: "Password:" }, verb),
    'rank 3 (node3, pid 17) did not come up within 10 s: it has not answered, and says "Password:"',
  );
});

Deno.test("describeMissing() names hosts, and of a subtree its root", () => {
  const binary = (rank: number) => rank === 0 ? null : (rank - 1) >> 1;
  const hosts = Array.from({ length: 15 }, (_, rank) => `jade${rank}`);
  assertEquals(describeMissing([3, 7, 8], hosts, binary), "jade3 (rank 3) and 2 below it");
  assertEquals(describeMissing([9, 10, 13], hosts, binary), "jade[9-10,13] (ranks 9-10,13)");
  assertEquals(describeMissing([1, 3, 4, 14], hosts, binary), "jade1 (rank 1) and 2 below it, jade14 (rank 14)");
  assertEquals(describeMissing([1, 2], [], binary), "ranks 1-2");
});

Deno.test("describeExit() says the status or the signal", () => {
  assertEquals(describeExit({ code: 3, signal: null }), "exited with rc=3");
  assertEquals(describeExit({ code: 137, signal: "SIGKILL" }), "SIGKILL");
});

Deno.test("describeRanks() writes sets short", () => {
  assertEquals([describeRanks([4]), describeRanks([1, 2, 3, 7])], ["rank 4", "ranks 1-3,7"]);
});

Deno.test("Grouped.take() has one line for each text and is empty then", () => {
  const grouped = new Grouped();
  for (const [rank, text] of [[3, " a"], [1, " b"], [4, " a"]] as const) grouped.add(rank, text);
  assertEquals(grouped.take(), ["ranks 3-4 a", "rank 1 b"]);
  assertEquals(grouped.take(), []);
});
